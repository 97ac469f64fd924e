"""Who may import whom: a service `chassis`, `contracts` and itself; `chassis` only `contracts`."""

import sys

import pytest

from orchestrator.authoring.catalogue import SAMPLES
from tests.repo.files import PRODUCT, ROOT, SERVICES, imports, modules, name_of

MAY_IMPORT = {
    "contracts": {"contracts"},
    "chassis": {"chassis", "contracts"},
    **{service: {service, "chassis", "contracts"} for service in SERVICES},
    "usher": {"usher", "contracts"},
}
OURS = {*PRODUCT, "tests", "bench"}


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
