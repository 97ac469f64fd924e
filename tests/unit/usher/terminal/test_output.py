"""What `usher` and the services print: no text of a stranger steers a terminal or fakes a line."""

import io
import json
import logging
from typing import Any

import pytest
from rich.text import Text

from chassis.logs import harmless
from contracts import printable
from contracts.http import Accepted, Workflow
from tests.support.answers import WORKFLOW
from usher.errors import CommandError
from usher.terminal import views
from usher.terminal.output import Output, Screen

HOSTILE = [
    "\x1b[2J",
    "\x07",
    "\x9b31m",
    "\x90payload\x9c",
    "\u202egnp.exe",
    "\u2066x\u2069",
    "\u061c",
    "one\u2028two",
    "one\x85two",
    "one\rtwo",
    "\x7f",
    "\ud800",
    "\U000e0041",
    "\x1b]8;;http://evil\x07click\x1b]8;;\x07",
]


def shown(renderable: object) -> str:
    screen = Screen(file=io.StringIO(), width=200, force_terminal=True, color_system=None)
    screen.print(renderable)
    assert isinstance(screen.file, io.StringIO)
    return screen.file.getvalue()


def named(kind: Any, whole: dict[str, Any], **changes: Any) -> Any:
    """Return an answer, also with text that JSON cannot hold."""
    return kind.model_construct(**{**whole, **changes})


def steers(text: str) -> bool:
    return printable.lines(text) != text


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize(
    "view",
    [
        lambda text: views.pairs({"id": text, text: "x"}),
        lambda text: views.table(("id",), [[text]], text),
        lambda text: views.workflows([named(Workflow, WORKFLOW, name=text, example={text: text})]),
        lambda text: views.accepted(named(Accepted, {"event_id": "e"}, instance_id=text)),
        Text,
        str,
    ],
)
def test_no_answer_steers_the_terminal(view: object, hostile: str) -> None:
    assert callable(view)
    assert steers(hostile)
    assert not steers(shown(view(f"a{hostile}b")))


def test_a_line_end_in_a_cell_makes_no_line() -> None:
    assert shown(views.table(("id",), [["a\nfake"]])).count("\n") == 2
    assert shown(views.pairs({"id": "a\nfake: b"})).count("\n") == 1


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("as_json", [True, False])
def test_no_error_steers_the_terminal(
    hostile: str, as_json: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    out = Output(as_json)
    out.failed(CommandError(hostile, hostile, [{"field": hostile, "message": hostile}], hostile))
    out.progress(hostile)
    out.line(hostile)
    out.answer({"id": hostile}, Text(hostile))
    captured = capsys.readouterr()
    assert captured.out + captured.err
    assert not steers(captured.out + captured.err)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_json_stays_the_json_that_it_was(hostile: str, capsys: pytest.CaptureFixture[str]) -> None:
    Output(as_json=True).answer({"id": hostile}, "")
    assert json.loads(capsys.readouterr().out) == {"id": hostile}


@pytest.mark.parametrize("hostile", HOSTILE)
def test_no_log_line_steers_the_terminal(hostile: str) -> None:
    event = {"event": hostile, "event_id": hostile, "exception": f"a\n{hostile}", "n": 7}
    told = harmless(None, "", event)
    assert not steers("".join(map(str, told.values())))
    assert "\n" in told["exception"]
    assert len(harmless(None, "", {"id": "x" * 10**6})["id"]) < 20_000


def test_a_line_of_a_library_steers_no_terminal() -> None:
    from chassis.logs import _Harmless

    record = logging.LogRecord("uvicorn", logging.ERROR, "", 0, "\x1b[2J %s", ("\x9b",), None)
    assert _Harmless("%(message)s").format(record) == r"\u001b[2J \u009b"
