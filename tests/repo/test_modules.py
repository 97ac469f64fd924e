"""Modules: small, each says what it is, and the same role has the same file name everywhere."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.repo.files import PRODUCT, ROOT, SERVICES, called, modules, name_of, texts, tree

ALL = modules(*PRODUCT, "tests", "bench")
CAP = 250
SETTINGS = ("BaseSettings", "ServiceSettings", "SubscriberSettings")


def lines(file: Path) -> int:
    return len(file.read_text().splitlines())


def in_services(file_name: str) -> set[str]:
    return {f"{service}/{file_name}" for service in SERVICES}


@pytest.mark.parametrize("file", ALL, ids=name_of)
def test_the_first_line_of_a_module_says_what_it_is(file: Path) -> None:
    if not file.read_text().strip():
        assert file.name == "__init__.py"
        return
    docstring = ast.get_docstring(tree(file))
    assert docstring, "no docstring"
    assert file.read_text().startswith('"""'), "the docstring is not the first line"
    assert docstring.splitlines()[0].strip()


def test_modules_are_small() -> None:
    sizes = {name_of(file): lines(file) for file in modules(*PRODUCT, "bench")}
    assert {name: size for name, size in sizes.items() if size > CAP} == {}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_its_roles_under_their_names(service: str) -> None:
    there = {file.name for file in (ROOT / service).glob("*.py")}
    assert {"__init__.py", "__main__.py", "app.py", "inbox.py", "settings.py"} <= there


@pytest.mark.parametrize(
    ("call", "role", "beside"),
    [
        ("new_app", "app.py", set()),
        # Entries that were kept: a parked event, what the page shows.
        (
            "read_entry",
            "inbox.py",
            {"orchestrator/ledger/records.py", "notifier/records/reading.py"},
        ),
        # A process of its own for one task, started by the orchestrator.
        ("set_up_logs", "__main__.py", {"orchestrator/hosting/__main__.py"}),
    ],
)
def test_a_role_is_played_in_the_file_of_its_name_alone(
    call: str, role: str, beside: set[str]
) -> None:
    playing = {name_of(file) for file in modules(*SERVICES) if call in set(called(file))}
    assert playing - beside == in_services(role)


def test_settings_are_read_in_the_file_of_their_name_alone() -> None:
    reading = {
        name_of(file)
        for file in modules(*SERVICES)
        for node in ast.walk(tree(file))
        if isinstance(node, ast.ClassDef)
        and any(isinstance(base, ast.Name) and base.id in SETTINGS for base in node.bases)
    }
    assert reading == in_services("settings.py")


def test_only_an_outbox_publishes() -> None:
    publishing = {
        name_of(file)
        for file in modules(*SERVICES)
        if {"publish_event", "publish_events"} & set(called(file))
        or any("/v1.0/publish" in text for text in texts(file))
    }
    assert publishing
    assert publishing <= in_services("outbox.py")


def test_an_entry_file_only_wires() -> None:
    sizes = {name: lines(ROOT / name) for name in in_services("__main__.py")}
    assert {name: size for name, size in sizes.items() if size > 40} == {}


def constructed(file: Path) -> Iterator[str]:
    """Yield what a module makes when it is imported, as far as a capital letter shows it."""
    for node in tree(file).body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Call):
            name = ast.unparse(node.value.func).split(".")[-1]
            if name[0].isupper():
                yield f"{name_of(file)}: {name}"


def test_nothing_that_must_be_closed_is_made_at_import() -> None:
    clients = {"Client", "AsyncClient", "DaprClient", "DaprWorkflowClient", "Redis", "FastAPI"}
    clients |= {"WorkflowRuntime", "App", "Settings", "ThreadPoolExecutor"}
    made = {one for file in modules(*PRODUCT) for one in constructed(file)}
    assert made
    assert {one for one in made if one.split(": ")[1] in clients} == set()
