"""Who may import whom: packages, the rooms of the orchestrator in their order, and no cycles.

The lists that begin with `STILL` may only shrink: an entry that is no longer needed fails, too.
"""

import ast
import re
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from orchestrator.authoring.catalogue import SAMPLES
from tests.repo.files import (
    PRODUCT,
    ROOT,
    SERVICES,
    dotted,
    imported,
    imports,
    modules,
    name_of,
    tree,
)

REDIS = {"chassis.redis_settings", "chassis.redis_faults"}
MAY_IMPORT = {
    "contracts": {"contracts"},
    "chassis": {"chassis", "contracts"},
    **{service: {service, "chassis", "contracts"} for service in SERVICES},
    "usher": {"usher", "contracts", "chassis.client", *REDIS},
}
OURS = {*PRODUCT, "tests", "bench"}

ROOMS = (
    *("metrics", "settings", "engine", "ledger", "outbox", "runs", "authoring", "hosting"),
    *("intake", "inbox", "clock", "api", "service", "app", "__main__"),
)
"""Folders and top modules of the orchestrator. Each imports itself and those before it."""
FOR_AUTHORS = {"workflows", "registry"}
"""What authors write, and the name that they used to import; see the tests of samples."""
STILL_UPWARD: set[tuple[str, str]] = set()
"""Imports of a later room: (module, what it imports)."""

DECISION = {
    f"orchestrator.intake.{name}"
    for name in ("decision", "facts", "actions", "arrival", "refusal_texts")
}
PURE = ("contracts", "orchestrator.ledger.records", "orchestrator.engine.state", *DECISION)
"""All that the decision may import: it is made from facts, and asks nobody."""


@pytest.mark.parametrize("package", PRODUCT)
def test_a_package_imports_what_it_may(package: str) -> None:
    wrong = [
        f"{name_of(file)} imports {name}"
        for file in modules(package)
        if file.parent != SAMPLES
        for name in imports(file)
        if (top := name.split(".")[0]) in OURS and not {top, name} & MAY_IMPORT[package]
    ]
    assert wrong == []


def rooms() -> dict[str, Path]:
    """Return every module of the orchestrator that is in a room."""
    found = {dotted(file): file for file in modules("orchestrator")}
    return {name: file for name, file in found.items() if room(name) not in {"", *FOR_AUTHORS}}


def room(module: str) -> str:
    return module.partition(".")[2].partition(".")[0]


def test_every_room_has_its_place_in_the_order() -> None:
    assert {room(name) for name in rooms()} == set(ROOMS)


def test_a_room_imports_itself_and_those_before_it() -> None:
    there = rooms()
    upward = {
        (name, other)
        for name, file in there.items()
        for other in imported(file, there)
        if ROOMS.index(room(other)) > ROOMS.index(room(name))
    }
    assert upward == STILL_UPWARD


@pytest.mark.parametrize("module", sorted(DECISION))
def test_the_decision_is_pure(module: str) -> None:
    file = rooms()[module]
    assert not any(isinstance(node, ast.AsyncFunctionDef) for node in ast.walk(tree(file)))
    found = {name for name in imports(file) if name.split(".")[0] in OURS}
    assert {name for name in found if not name.startswith(PURE)} == set()


def test_one_module_names_what_the_sdk_keeps_private() -> None:
    """So that an upgrade of the SDK has one place to look at."""
    private = re.compile(r"\bdapr\.[\w.]*\._|_(Dapr|Workflow)\w+__|\._(obj|history|is_complete)\b")
    naming = {name_of(file) for file in modules(*PRODUCT) if private.search(file.read_text())}
    assert naming == {"orchestrator/engine/sdk.py"}


def test_no_module_imports_itself_through_others() -> None:
    files = {dotted(file): file for file in modules(*PRODUCT)}
    graph = {name: imported(file, files) - {name} for name, file in files.items()}
    assert sum(map(len, graph.values())) > len(graph)
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the cycle


def test_contracts_know_no_transport() -> None:
    """They are what anybody may read: Pydantic and the standard library, no Dapr, no HTTP.

    Each library of the language of routes is behind one module.
    """
    behind = {
        "cel": "contracts/routes/expression.py",
        "yaml": "contracts/routes/routes_file.py",
        "cronsim": "contracts/routes/schedule.py",
    }
    foreign = {
        f"{name_of(file)} imports {name}"
        for file in modules("contracts")
        for name in imports(file)
        if (top := name.split(".")[0]) not in sys.stdlib_module_names
        and top not in {"contracts", "pydantic", "pydantic_core"}
        and behind.get(top) != name_of(file)
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
