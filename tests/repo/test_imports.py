"""Who may import whom: a service `chassis`, `contracts` and itself; `chassis` only `contracts`."""

import ast
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from orchestrator.authoring.catalogue import SAMPLES
from tests.repo.files import PRODUCT, ROOT, SERVICES, imports, modules, name_of, tree

MAY_IMPORT = {
    "contracts": {"contracts"},
    "chassis": {"chassis", "contracts"},
    **{service: {service, "chassis", "contracts"} for service in SERVICES},
    "usher": {"usher", "contracts"},
}
OURS = {*PRODUCT, "tests", "bench"}
ROOMS = (
    *("metrics", "settings", "engine", "ledger", "outbox", "runs", "authoring", "hosting"),
    *("intake", "inbox", "api", "service", "app"),
)
"""The rooms and doors of the orchestrator. Each may import those before it."""
APART = {"__init__", "__main__", "registry", "workflows"}
"""Entries wire everything; the samples and the old name of the authoring API import `usher`."""


@pytest.mark.parametrize("package", PRODUCT)
def test_a_package_imports_what_it_may(package: str) -> None:
    wrong = [
        f"{name_of(file)} imports {name}"
        for file in modules(package)
        if file.parent != SAMPLES
        for name in imports(file)
        if (top := name.split(".")[0]) in OURS and top not in MAY_IMPORT[package]
    ]
    assert wrong == []


def room(path: str) -> str:
    """Return the room of a file or module of the orchestrator."""
    return path.replace("/", ".").removesuffix(".py").split(".")[1]


def test_a_room_imports_no_higher_one() -> None:
    inside = [one for one in modules("orchestrator") if one.stem != "__main__"]
    rooms = {room(name_of(file)) for file in inside} - APART
    assert rooms == set(ROOMS)
    wrong = [
        f"{name_of(file)} imports {name}"
        for file in inside
        if (own := room(name_of(file))) in ROOMS
        for name in imports(file)
        if name.startswith("orchestrator.")
        and (ROOMS.index(room(name)) > ROOMS.index(own) if room(name) in ROOMS else True)
    ]
    assert wrong == []


def module(file: Path) -> str:
    return name_of(file).removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def reached(file: Path) -> Iterator[str]:
    """Yield what a file imports; of `from package import name`, both may be modules."""
    yield from imports(file)
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("package", PRODUCT)
def test_no_modules_import_each_other_in_a_circle(package: str) -> None:
    files = {module(file): file for file in modules(package)}
    graph = {name: {*reached(file)} & files.keys() for name, file in files.items()}
    TopologicalSorter(graph).prepare()  # raises CycleError


def test_contracts_know_no_transport() -> None:
    """They are what anybody may read: Pydantic and the standard library, no Dapr, no HTTP."""
    foreign = {
        f"{name_of(file)} imports {name}"
        for file in modules("contracts")
        for name in imports(file)
        if (top := name.split(".")[0]) not in sys.stdlib_module_names
        and top not in {"contracts", "pydantic", "pydantic_core"}
    }
    assert foreign == set()


def test_the_chassis_knows_no_workflow() -> None:
    """Any service behind a sidecar could be built from it."""
    knowing = {
        f"{name_of(file)} imports {name}"
        for file in modules("chassis")
        for name in imports(file)
        if name.startswith("dapr.ext.workflow")
    }
    assert knowing == set()


def test_a_sample_imports_what_authors_import() -> None:
    """So an author's file needs nothing more, and the samples can be copied."""
    wrong = [
        f"{name_of(file)} imports {name}"
        for file in modules("orchestrator/workflows")
        for name in imports(file)
        if name.split(".")[0] in OURS
        and name != "usher"
        and not name.startswith("orchestrator.workflows")
    ]
    assert wrong == []


def test_every_package_is_there() -> None:
    assert all((ROOT / package / "__init__.py").is_file() for package in PRODUCT)
