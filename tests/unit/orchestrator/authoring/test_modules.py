"""Activities and workflows in files that workflow files import are found, each once."""

import sys
from pathlib import Path

import pytest

from orchestrator.authoring.catalogue import Catalogue, CatalogueError

HEAD = "from usher import activity, workflow\n"
CHARGE = "@activity\ndef {name}(_, amount):\n    return amount\n"


@pytest.fixture(autouse=True)
def _the_path_for_imports_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])


def put(folder: Path, name: str, body: str) -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(HEAD + body)
    return file


def a_workflow(name: str, *calls: str) -> str:
    lines = [f"    yield ctx.{call}\n" for call in calls]
    return f"@workflow()\ndef {name}(ctx):\n" + "".join(lines)


def said_of(folder: Path) -> str:
    with pytest.raises(CatalogueError) as error:
        Catalogue.scan([folder], samples=True)
    return str(error.value)


@pytest.mark.parametrize(
    ("number", "how", "call"),
    [
        (1, "from _help1 import charge1", "charge1"),
        (2, "from _help2 import charge2 as pay", "pay"),
        (3, "import _help3", "_help3.charge3"),
        (4, "import _help4 as helpers", "helpers.charge4"),
        (5, "from _help5 import *", "charge5"),
    ],
)
def test_an_activity_of_a_file_beside_is_found(
    tmp_path: Path, number: int, how: str, call: str
) -> None:
    put(tmp_path, f"_help{number}.py", CHARGE.format(name=f"charge{number}"))
    put(tmp_path, f"uses{number}.py", f"{how}\n" + a_workflow("uses", f"call_activity({call})"))
    assert f"charge{number}" in Catalogue.scan([tmp_path]).activities


@pytest.mark.parametrize(
    ("number", "how", "call"),
    [
        (6, "from shared6.money import charge6", "charge6"),
        (7, "import shared7.money", "shared7.money.charge7"),
        (8, "from shared8 import money", "money.charge8"),
    ],
)
def test_an_activity_of_a_package_beside_is_found(
    tmp_path: Path, number: int, how: str, call: str
) -> None:
    put(tmp_path, f"shared{number}/__init__.py", "")
    put(tmp_path, f"shared{number}/money.py", CHARGE.format(name=f"charge{number}"))
    put(tmp_path, f"package{number}.py", f"{how}\n" + a_workflow("p", f"call_activity({call})"))
    assert f"charge{number}" in Catalogue.scan([tmp_path]).activities


@pytest.mark.parametrize(
    ("number", "how", "call"),
    [
        (1, "from elsewhere1 import outside1", "outside1"),
        (2, "import elsewhere2", "elsewhere2.outside2"),
    ],
)
def test_an_activity_of_an_installed_package_is_found(
    tmp_path: Path, number: int, how: str, call: str
) -> None:
    put(tmp_path / "lib", f"elsewhere{number}.py", CHARGE.format(name=f"outside{number}"))
    sys.path.append(str(tmp_path / "lib"))
    body = f"{how}\n" + a_workflow("installed", f"call_activity({call})")
    put(tmp_path / "flows", f"installed{number}.py", body)
    assert f"outside{number}" in Catalogue.scan([tmp_path / "flows"]).activities


def test_an_activity_that_only_a_helper_calls_is_found(tmp_path: Path) -> None:
    put(tmp_path, "_deep9.py", CHARGE.format(name="charge9"))
    steps = "from _deep9 import charge9\ndef pay9(ctx):\n    yield ctx.call_activity(charge9)\n"
    put(tmp_path, "_steps9.py", steps)
    body = "from _steps9 import pay9\n@workflow()\ndef uses9(ctx):\n    yield from pay9(ctx)\n"
    put(tmp_path, "uses9.py", body)
    assert "charge9" in Catalogue.scan([tmp_path]).activities


def test_a_helper_that_two_files_import_is_no_clash(tmp_path: Path) -> None:
    put(tmp_path, "_help10.py", CHARGE.format(name="charge10"))
    for name in ("one10", "two10"):
        body = "from _help10 import charge10\n" + a_workflow(name, "call_activity(charge10)")
        put(tmp_path, f"{name}.py", body)
    assert {"one10", "two10"} <= set(Catalogue.scan([tmp_path]).workflows)


def test_a_file_that_is_scanned_and_imported_is_no_clash(tmp_path: Path) -> None:
    """It is loaded under two names: the same functions, at the same place."""
    child = a_workflow("child11", "create_timer(1)")
    put(tmp_path, "z_shared11.py", CHARGE.format(name="charge11") + child)
    body = "from z_shared11 import charge11, child11\n"
    body += a_workflow("uses11", "call_activity(charge11)", "call_child_workflow(child11)")
    put(tmp_path, "uses11.py", body)
    put(tmp_path, "a_uses11.py", "import z_shared11\n" + a_workflow("more11", "create_timer(1)"))
    found = Catalogue.scan([tmp_path])
    assert found.workflows["child11"].file.name == "z_shared11.py"
    assert "charge11" in found.activities


def test_a_workflow_of_a_file_beside_is_found_as_a_child(tmp_path: Path) -> None:
    put(tmp_path, "_child12.py", a_workflow("child12", "create_timer(1)"))
    body = "from _child12 import child12\n" + a_workflow("p12", "call_child_workflow(child12)")
    put(tmp_path, "parent12.py", body)
    assert "child12" in Catalogue.scan([tmp_path]).workflows


def test_a_mistake_in_a_helper_names_the_helper(tmp_path: Path) -> None:
    helper = put(tmp_path, "_help13.py", "@activity\ndef charge13(a, b, c): ...\n")
    body = "from _help13 import charge13\n" + a_workflow("u13", "call_activity(charge13)")
    put(tmp_path, "uses13.py", body)
    assert said_of(tmp_path).startswith(f"{helper}:3: charge13: an activity takes")


def test_two_activities_of_one_name_clash_also_where_one_is_imported(tmp_path: Path) -> None:
    helper = put(tmp_path, "_help14.py", CHARGE.format(name="charge14"))
    body = "import _help14\n" + CHARGE.format(name="charge14")
    body += a_workflow("uses14", "call_activity(_help14.charge14)")
    own = put(tmp_path, "uses14.py", body)
    said = said_of(tmp_path)
    assert "the name 'charge14' is claimed" in said
    assert str(helper) in said
    assert str(own) in said


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("call_activity('hello_activty')", "no activity has this name: did you mean 'hello_act"),
        ("call_activity(activity='qqqqqq')", "no activity has this name: import the file"),
        ("call_child_workflow('hello_worklow')", "no workflow has this name: did you mean"),
        ("call_activity(plain)", "this function is no activity: write `@activity` above"),
        ("call_child_workflow(plain)", "this function is no workflow: write `@workflow()` above"),
    ],
)
def test_what_nobody_registers_stops_the_start_up(tmp_path: Path, call: str, said: str) -> None:
    body = "def plain(_, amount):\n    return amount\n" + a_workflow("calls", call)
    file = put(tmp_path, "calls.py", body)
    found = said_of(tmp_path)
    assert found.startswith(f"{file}:6: `call_")
    assert said in found


@pytest.mark.parametrize(
    "call",
    [
        "call_activity('hello_activity')",
        "call_child_workflow('hello_workflow')",
        "call_activity('theirs', app_id='another')",
        "call_activity(ctx.chosen)",
        "call_activity('a' + 'b')",
    ],
)
def test_what_is_there_or_cannot_be_told_is_let_through(tmp_path: Path, call: str) -> None:
    put(tmp_path, "lets.py", a_workflow("lets", call))
    assert "lets" in Catalogue.scan([tmp_path], samples=True).workflows


def test_a_name_of_the_functions_own_is_not_taken_for_the_files(tmp_path: Path) -> None:
    body = "def plain(_): ...\n@workflow()\ndef own(ctx, plain: str):\n"
    put(tmp_path, "own.py", body + "    yield ctx.call_activity(plain)\n")
    assert "own" in Catalogue.scan([tmp_path]).workflows


def test_what_is_installed_below_the_folder_is_not_beside_it(tmp_path: Path) -> None:
    site = tmp_path / ".venv" / "site-packages"
    put(site, "vendor15.py", CHARGE.format(name="charge15"))
    sys.path.append(str(site))
    put(tmp_path, "uses15.py", "import vendor15\n" + a_workflow("uses15", "create_timer(1)"))
    assert "charge15" not in Catalogue.scan([tmp_path]).activities
