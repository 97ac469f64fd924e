"""`usher routes check` and `usher routes test`: offline, for people and for programs."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from usher.commands.app import app

ORDERS = '''\
"""Orders."""

from dapr.ext.workflow import DaprWorkflowContext

from usher import Cancel, Every, Start, workflow

print("an author prints")


@workflow(on=[
    Start("orders", type="placed", key="data.id"),
    Cancel("orders", type="cancelled", key="data.id"),
    Every("30 9 * * *"),
])
def cli_order_workflow(ctx: DaprWorkflowContext, input: dict):
    """Wait."""
    yield ctx.wait_for_external_event("paid")
'''
CRM = """\
moved:
  from: crm
  when: data.country == "DE"
  key: data.id
  start: cli_order_workflow
"""


def usher(*args: object) -> Result:
    return CliRunner().invoke(app, ["routes", *map(str, args)])


def answer(*args: object) -> Any:
    result = usher(*args, "--json")
    return json.loads(result.stdout)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "orders.py").write_text(ORDERS)
    (tmp_path / "routes.yaml").write_text(CRM)
    return tmp_path


def events(folder: Path, *lines: Any) -> Path:
    file = folder / "events.jsonl"
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    file.write_text("\n".join(texts))
    return file


def placed(data: Any, **more: Any) -> dict[str, Any]:
    head = {"specversion": "1.0", "id": "1", "source": "/s", "type": "placed", "topic": "orders"}
    return {**head, "data": data, **more}


def test_a_file_of_the_present_folder_replaces_no_module_of_ours(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("cel", "json", "contracts"):
        (folder / f"{name}.py").write_text("raise RuntimeError('imported')\n")
    monkeypatch.chdir(folder)
    (folder / "served").mkdir()
    (folder / "orders.py").rename(folder / "served" / "orders.py")
    result = usher("check", "served")
    assert result.exit_code == 0, result.output


def test_check_lists_the_routes_of_a_folder(folder: Path) -> None:
    result = usher("check", folder)
    assert result.exit_code == 0, result.output
    assert f"{folder}/orders.py:11" in result.stdout
    assert 'when data.country == "DE"' in result.stdout
    found = answer("check", folder)
    assert [route["does"] for route in found["routes"]] == [
        *("start cli_order_workflow", "cancel cli_order_workflow"),
        *("start cli_order_workflow", "start cli_order_workflow"),
    ]
    (following,) = [route["next"] for route in found["routes"] if route["next"]]
    assert following.endswith("T09:30:00+00:00")
    assert found["faults"] == []


def test_check_names_files_below_the_current_folder_by_their_relative_paths(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    shown = usher("check", folder).stdout
    assert "orders.py:11" in shown
    assert f"{folder}/" not in shown
    assert answer("check", folder)["routes"][0]["declared"] == f"{folder}/orders.py:11"


def test_check_names_every_fault_with_its_line(folder: Path) -> None:
    (folder / "routes.yaml").write_text(CRM.replace("cli_order", "cli_oder") + "  wen: true\n")
    result = usher("check", folder)
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        f"{folder}/routes.yaml:6: moved.wen: there is no such field; did you mean when?",
        f"{folder}/routes.yaml:5: moved.start: there is no workflow 'cli_oder_workflow'; did you "
        "mean cli_order_workflow?",
    ]
    fault, _ = answer("check", folder)["faults"]
    assert (fault["line"], Path(fault["file"]).name) == (6, "routes.yaml")


def test_check_reads_what_the_orchestrator_would(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("USHER_WORKFLOWS", str(folder))
    monkeypatch.setenv("USHER_ROUTES", str(folder / "more.yaml"))
    (folder / "more.yaml").write_text(CRM.replace("moved", "more"))
    assert [route["route"] for route in answer("check")["routes"]][-2:] == ["moved", "more"]


def test_check_of_a_place_that_is_not_there_is_wrong_usage(tmp_path: Path) -> None:
    assert usher("check", tmp_path / "none").exit_code == 2


def test_check_of_files_that_end_the_process_says_so(folder: Path) -> None:
    (folder / "orders.py").write_text("import os\nos._exit(3)\n")
    result = usher("check", folder)
    assert result.exit_code == 1
    assert "The workflow files cannot be read." in result.stderr


def test_recorded_events_show_what_they_would_do(folder: Path) -> None:
    file = events(
        folder,
        placed({"id": "a/b"}),
        placed({"id": None}),
        placed({}, type="other"),
        {
            "headers": {
                "ce_id": "7",
                "ce_source": "/s",
                "ce_type": "cancelled",
                "ce_topic": "orders",
            },
            "body": {"id": 7},
        },
    )
    result = usher("test", file, "--routes", folder)
    assert result.exit_code == 0, result.output
    for told in ("start cli_order_workflow-a_b-key-", "no_key", "cancel cli_order_workflow-7"):
        assert told in result.stdout
    items = answer("test", file, "--routes", folder)["items"]
    assert [item["line"] for item in items] == [1, 2, 3, 4]
    assert [item["unrouted"] for item in items] == [False, False, True, False]
    (refused,) = items[1]["outcomes"]
    assert (refused["reason"], refused["field"]) == ("no_key", "data.id")
    assert [one["why"] for one in items[2]["outcomes"]] == [
        *("type: it looks for placed", "type: it looks for cancelled", "topic")
    ]


def test_a_candidate_is_compared_with_what_is_served(folder: Path) -> None:
    candidate = folder / "candidate.yaml"
    candidate.write_text(CRM.replace("DE", "FR"))
    file = events(folder, '{"id": 1, "country": "DE"}', "", '{"id": 2, "country": "IT"}')
    args = ("test", file, "--topic", "crm", "--routes", candidate, "--against")
    items = answer(*args, folder / "routes.yaml")["items"]
    assert [(item["line"], item["changed"]) for item in items] == [(1, True), (3, False)]
    shown = usher(*args, folder / "routes.yaml").stdout
    assert "1 of 2 events change" in shown
    assert "start cli_order_workflow-1" in shown


def test_an_event_without_a_topic_is_wrong_usage(folder: Path) -> None:
    file = events(folder, placed({"id": 1}), '{"id": 1}')
    result = usher("test", file, "--routes", folder)
    assert result.exit_code == 2
    assert f"{file}:2: no topic" in result.stderr
    assert "--topic" in result.stderr


def test_events_are_not_tried_on_routes_that_are_wrong(folder: Path) -> None:
    (folder / "routes.yaml").write_text(CRM + "  wen: true\n")
    result = usher("test", events(folder, placed({})), "--routes", folder)
    assert result.exit_code == 1
    assert "routes.yaml:6: moved.wen" in result.stderr
