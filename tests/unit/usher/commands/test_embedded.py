"""The commands that run the embedded stack, with a stand-in for it."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests.support.stand_in import StandIn
from usher.commands.app import app
from usher.session import Wiring
from usher.stack.errors import SetupError, StackError
from usher.stack.settings import StackSettings
from usher.stack.spec import ProcessSpec
from usher.stack.stack import Stack


def run_with(stack: StandIn, *args: str) -> Result:
    def given(_: StackSettings, specs: Sequence[ProcessSpec] | None = None) -> Stack:
        return StandIn(stack.settings, specs) if specs else stack

    return CliRunner().invoke(app, args, obj=Wiring(stack=given))


@pytest.fixture
def stack(tmp_path: Path) -> StandIn:
    return StandIn(StackSettings(data_dir=tmp_path))


def test_up_detached_says_where_things_are(stack: StandIn) -> None:
    result = run_with(stack, "up", "--detach", "--fresh", "--json")
    assert result.exit_code == 0
    assert stack.did == ["up fresh"]
    now = json.loads(result.stdout)
    assert now["started"] is True
    assert now["pids"] == {"redis": 7}
    assert now["places"]["live page"] == "http://127.0.0.1:8082"
    assert now["places"]["notices"] == "http://127.0.0.1:8082/notices"


@pytest.mark.parametrize("error", [StackError("port 8080 is in use"), SetupError("no Go")])
def test_a_stack_that_cannot_start_is_a_failure_that_says_why(
    stack: StandIn, error: Exception
) -> None:
    stack.fails = error
    result = run_with(stack, "up", "--detach")
    assert (result.exit_code, result.stdout) == (1, "")
    assert str(error) in result.stderr


def test_up_in_the_foreground_stops_what_it_started(stack: StandIn) -> None:
    result = run_with(stack, "up", "--json")
    assert result.exit_code == 0
    assert stack.did == ["up", "down"]


def test_down_is_safe_to_repeat(stack: StandIn) -> None:
    for _ in range(2):
        result = run_with(stack, "down", "--json")
        assert result.exit_code == 0
        assert json.loads(result.stdout) == {"was_up": False}


def write_log(stack: StandIn, name: str, *lines: str) -> None:
    path = stack.log_path(name)
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines))


def test_logs_are_those_of_the_processes_named(stack: StandIn) -> None:
    write_log(stack, "notifier", "one", "two", "three")
    write_log(stack, "redis", "other")
    lines = run_with(stack, "logs", "notifier", "-n", "2", "--json").stdout.splitlines()
    assert [json.loads(line) for line in lines] == [
        {"process": "notifier", "line": "two"},
        {"process": "notifier", "line": "three"},
    ]


def test_logs_that_are_not_there_are_not_found(stack: StandIn) -> None:
    assert run_with(stack, "logs").exit_code == 4


def test_logs_of_no_process_is_wrong_usage_and_names_the_processes(stack: StandIn) -> None:
    result = run_with(stack, "logs", "nobody")
    assert result.exit_code == 2
    assert "nobody" in result.stderr
    assert "orchestrator-daprd" in result.stderr
