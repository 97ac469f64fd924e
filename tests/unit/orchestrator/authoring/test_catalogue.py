"""Finding workflows: every file of the folders, each name once, and whatever is wrong is named."""

import sys
from pathlib import Path

import pytest

from contracts.refusal import Refused
from orchestrator.authoring.catalogue import SAMPLES, Catalogue, CatalogueError

HEAD = "from usher import activity, workflow\n"


@pytest.fixture(autouse=True)
def _the_path_for_imports_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])


def put(folder: Path, name: str, body: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text(HEAD + body)
    return file


def a_workflow(name: str, result: str = "1") -> str:
    return f"@workflow()\ndef {name}(ctx):\n    'Do {name}.'\n    yield ctx\n    return {result}\n"


def an_activity(name: str) -> str:
    return f"@activity\ndef {name}(_, text):\n    return text\n"


def test_our_own_workflows_are_found() -> None:
    found = Catalogue.scan()
    assert {"hello_workflow", "approval_workflow", "fail_workflow"} <= set(found.workflows)
    assert {"hello_activity", "refuse_activity"} <= set(found.activities)
    assert all(definition.file.parent == SAMPLES for definition in found.workflows.values())


def test_where_a_folder_is_named_the_samples_are_served_only_if_they_are_asked_for(
    tmp_path: Path,
) -> None:
    file = put(tmp_path, "greet_them.py", an_activity("greet_activity") + a_workflow("greet_them"))
    found = Catalogue.scan([tmp_path])
    assert found.workflows["greet_them"].file == file
    assert found.workflows["greet_them"].description == "Do greet_them."
    assert (set(found.workflows), set(found.activities)) == ({"greet_them"}, {"greet_activity"})
    beside = Catalogue.scan([tmp_path], samples=True)
    assert {"hello_workflow", "greet_them"} <= set(beside.workflows)


def test_a_workflow_in_a_sub_folder_is_named(tmp_path: Path) -> None:
    put(tmp_path, "at_the_top.py", a_workflow("at_the_top"))
    below = put(tmp_path / "orders" / "night", "below.py", a_workflow("below"))
    put(tmp_path / "orders", "helper.py", "VAT = 19\n")
    put(tmp_path / "orders", "half.py", "@workflow(\n")
    put(tmp_path / ".hidden", "hidden.py", a_workflow("hidden"))
    put(tmp_path / "env" / "lib", "installed.py", a_workflow("installed"))
    put(tmp_path / "env", "pyvenv.cfg", "")
    found = Catalogue.scan([tmp_path])
    assert set(found.workflows) == {"at_the_top"}
    (warning,) = found.warnings
    assert (warning.file, "USHER_WORKFLOWS" in warning.message) == (below, True)
    both = Catalogue.scan([tmp_path, below.parent])
    assert (set(both.workflows), both.warnings) == ({"at_the_top", "below"}, ())


def test_a_workflow_of_a_sub_folder_that_a_file_imports_is_served(tmp_path: Path) -> None:
    put(tmp_path / "parts", "__init__.py", "")
    put(tmp_path / "parts", "inner.py", a_workflow("inner"))
    put(tmp_path, "outer.py", "from parts.inner import inner\n" + a_workflow("outer"))
    found = Catalogue.scan([tmp_path])
    assert (set(found.workflows), found.warnings) == ({"inner", "outer"}, ())


def test_a_file_that_begins_with_an_underscore_is_left_out(tmp_path: Path) -> None:
    put(tmp_path, "_draft.py", a_workflow("draft"))
    (tmp_path / "notes.txt").write_text("no Python")
    assert "draft" not in Catalogue.scan([tmp_path]).workflows


def test_what_a_file_imports_is_not_claimed_a_second_time(tmp_path: Path) -> None:
    put(tmp_path, "first_import_a.py", an_activity("shared_a") + a_workflow("first_import_a"))
    put(
        tmp_path,
        "second_import_a.py",
        "from first_import_a import first_import_a, shared_a\n"
        "from orchestrator.workflows.hello_workflow import hello_activity, hello_workflow\n"
        + a_workflow("second_import_a"),
    )
    found = Catalogue.scan([tmp_path])
    assert {"first_import_a", "second_import_a"} <= set(found.workflows)
    assert found.workflows["hello_workflow"].file.parent == SAMPLES


def test_a_second_name_for_a_workflow_in_its_own_file_is_no_second_claim(tmp_path: Path) -> None:
    put(tmp_path, "aliased.py", a_workflow("aliased") + "old_name = aliased\n")
    assert "aliased" in Catalogue.scan([tmp_path]).workflows


def test_two_files_that_claim_one_name_stop_the_scan_and_are_both_named(tmp_path: Path) -> None:
    one = put(tmp_path / "one", "claimant_a.py", a_workflow("claimed"))
    two = put(tmp_path / "two", "claimant_b.py", a_workflow("claimed"))
    with pytest.raises(CatalogueError) as error:
        Catalogue.scan([tmp_path / "one", tmp_path / "two"])
    assert all(said in str(error.value) for said in ("claimed", str(one), str(two)))


def test_a_workflow_and_an_activity_share_one_space_of_names(tmp_path: Path) -> None:
    one = put(tmp_path, "claimant_c.py", a_workflow("both"))
    two = put(tmp_path, "claimant_d.py", an_activity("both"))
    with pytest.raises(CatalogueError) as error:
        Catalogue.scan([tmp_path])
    assert str(one) in str(error.value)
    assert str(two) in str(error.value)


def test_a_name_of_ours_cannot_be_claimed_by_somebody_else(tmp_path: Path) -> None:
    file = put(tmp_path, "impostor.py", a_workflow("hello_workflow"))
    with pytest.raises(CatalogueError) as error:
        Catalogue.scan([tmp_path], samples=True)
    assert str(SAMPLES / "hello_workflow.py") in str(error.value)
    assert str(file) in str(error.value)


def test_files_of_one_name_in_two_folders_do_not_mix(tmp_path: Path) -> None:
    put(tmp_path / "one", "same_file.py", a_workflow("of_one"))
    put(tmp_path / "two", "same_file.py", a_workflow("of_two"))
    found = Catalogue.scan([tmp_path / "one", tmp_path / "two"])
    assert found.workflows["of_one"].file == tmp_path / "one" / "same_file.py"
    assert found.workflows["of_two"].file == tmp_path / "two" / "same_file.py"


def test_a_folder_named_twice_is_scanned_once(tmp_path: Path) -> None:
    put(tmp_path, "scanned_once.py", a_workflow("scanned_once"))
    assert "scanned_once" in Catalogue.scan([tmp_path, tmp_path, SAMPLES]).workflows


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("def broken(:\n", "SyntaxError"),
        ("import no_such_module_anywhere\n", "no_such_module_anywhere"),
        ("raise ValueError('set this up first')\n", "set this up first"),
        ("@workflow\ndef bare(ctx):\n    yield ctx\n", "TypeError"),
    ],
)
def test_a_broken_file_is_named_with_its_cause(tmp_path: Path, body: str, says: str) -> None:
    file = put(tmp_path, "broken_file.py", body)
    with pytest.raises(CatalogueError) as error:
        Catalogue.scan([tmp_path])
    assert str(file) in str(error.value)
    assert says in str(error.value)


def test_an_input_annotation_that_cannot_be_resolved_stops_the_scan(tmp_path: Path) -> None:
    """Found at the first request only, it would dead-letter what was accepted in good faith."""
    body = "@workflow()\ndef unresolved(ctx, input: 'Nowhere'):\n    yield ctx\n"
    file = put(tmp_path, "unresolved.py", body)
    with pytest.raises(CatalogueError) as error:
        Catalogue.scan([tmp_path])
    assert str(file) in str(error.value)
    assert "Nowhere" in str(error.value)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="USHER_WORKFLOWS") as error:
        Catalogue.scan([tmp_path / "nowhere"])
    assert str(tmp_path / "nowhere") in str(error.value)


def test_an_input_is_read_by_the_model_of_its_own_file(tmp_path: Path) -> None:
    put(
        tmp_path,
        "with_model.py",
        "from pydantic import BaseModel\n"
        "class Words(BaseModel):\n    text: str\n"
        "@workflow()\ndef with_model(ctx, input: 'Words'):\n    yield ctx\n",
    )
    definition = Catalogue.scan([tmp_path]).workflows["with_model"]
    assert definition.parse({"text": "hi"}).text == "hi"
    with pytest.raises(Refused):
        definition.parse({"txt": "hi"})
