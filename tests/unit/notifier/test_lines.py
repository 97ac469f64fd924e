"""What the notifier prints: one line a notice, whatever is in it."""

import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from contracts.events import Failure, OriginalEvent, Outcome, Reason
from contracts.records import DeadLetter, Notice
from notifier.lines import LineWriter

SEEN = datetime(2030, 1, 1, 12, 30, 2, tzinfo=UTC)
NOTICE = Notice(
    id="n-1",
    seen_at=SEEN,
    instance_id="hello_workflow-1",
    workflow="hello_workflow",
    outcome=Outcome.COMPLETED,
    output={"final_greeting": "Hello, Ada!"},
    started_at=datetime(2030, 1, 1, 12, 30, tzinfo=UTC),
    finished_at=SEEN,
    duration_s=2.0,
)
LETTER = DeadLetter(
    id="l-1",
    reason=Reason.INVALID_INPUT,
    field="input.nme",
    message="there is no such field",
    topic="workflow-requests",
    attempts=1,
    first_seen=SEEN,
    last_seen=SEEN,
    event=OriginalEvent(id="e-1", source="/shop", data={"input": {"nme": 1}}),
)
HARMFUL = {
    "a new line": "one\ntwo",
    "a carriage return": "one\rtwo",
    "a line separator": "one\u2028two\u2029three\x85four",
    "a vertical tab and a form feed": "one\x0btwo\x0cthree",
    "an escape sequence": "\x1b[2J\x1b[31mgone\x07",
    "an escape sequence of one character": "\x9b2Jgone",
    "a backspace, a null and a delete": "one\x08\x00\x7ftwo",
    "text that runs backwards": "one\u202etwo",
}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def routed(letter: DeadLetter) -> DeadLetter:
    return letter.model_copy(update={"route": "w/start", "topic": "orders"})


def printed(log_format: str, *seen: Notice | DeadLetter, out: io.StringIO | None = None) -> str:
    out = out or io.StringIO()
    lines = LineWriter(log_format, out)
    for one in seen:
        lines.notice(one) if isinstance(one, Notice) else lines.dead_letter(one)
    return out.getvalue()


def notice(**changes: Any) -> Notice:
    return NOTICE.model_copy(update=changes)


def letter(**changes: Any) -> DeadLetter:
    return LETTER.model_copy(update=changes)


def test_a_notice_on_a_terminal_says_when_how_what_which_how_long_and_the_result() -> None:
    line = printed("console", NOTICE)
    told = ("12:30:02", "COMPLETED", "hello_workflow", "hello_workflow-1", "2.00s", "Hello, Ada!")
    positions = [line.index(part) for part in told]
    assert positions == sorted(positions)
    assert line.endswith("\n")


def test_a_failure_on_a_terminal_says_its_error() -> None:
    error = Failure(type="RuntimeError", message="out of paper")
    line = printed("console", notice(outcome=Outcome.FAILED, output=None, error=error))
    assert "FAILED" in line
    assert "RuntimeError: out of paper" in line


def test_a_dead_letter_on_a_terminal_says_why_where_and_which_event() -> None:
    line = printed("console", LETTER)
    for part in ("invalid_input", "workflow-requests", "input.nme", "there is no such field"):
        assert part in line
    assert "e-1" in line


@pytest.mark.parametrize("one", [NOTICE, LETTER])
def test_a_line_for_machines_is_the_record_as_json(one: Notice | DeadLetter) -> None:
    document = json.loads(printed("json", one))
    assert document["id"] == one.id
    for name in ("instance_id", "workflow", "duration_s") if one is NOTICE else ("reason", "topic"):
        assert document[name] == getattr(one, name)


def test_the_format_follows_the_terminal_unless_it_is_told() -> None:
    assert printed("auto", NOTICE, out=Terminal()).startswith("12:30:02")
    assert json.loads(printed("auto", NOTICE))
    assert json.loads(printed("json", NOTICE, out=Terminal()))
    assert printed("console", NOTICE).startswith("12:30:02")


def is_harmless(text: str) -> bool:
    """One line, and nothing in it that a terminal would act on."""
    line = text.removesuffix("\n")
    controls = [c for c in line if ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0]
    turning = [c for c in line if c in "\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067"]
    return not controls and not turning and len(line.splitlines()) == 1


@pytest.mark.parametrize("log_format", ["console", "json"])
@pytest.mark.parametrize("text", HARMFUL.values(), ids=HARMFUL.keys())
def test_a_payload_stays_one_harmless_line(log_format: str, text: str) -> None:
    error = Failure(type=text, message=text)
    original = OriginalEvent(id=text, source=text, data=text)
    for one in (
        notice(output={text: [text]}),
        notice(output=text, custom_status=text),
        notice(outcome=Outcome.FAILED, output=None, error=error),
        notice(instance_id=text, workflow=text),
        letter(field=text, message=text, topic=text, event=original),
    ):
        assert is_harmless(printed(log_format, one))


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_letters_of_the_world_are_printed_as_they_are(log_format: str) -> None:
    assert "Grüße, 世界 😀" in printed(log_format, notice(output="Grüße, 世界 😀"))


def test_half_a_surrogate_pair_is_printed_somehow() -> None:
    encoded = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    LineWriter("console", encoded).notice(notice(output="\ud800"))


def test_each_record_is_a_line_of_its_own() -> None:
    assert len(printed("console", NOTICE, LETTER, NOTICE).splitlines()) == 3


def test_a_dead_letter_of_a_route_names_it() -> None:
    assert "DEAD       invalid_input on orders for route w/start input.nme" in printed(
        "console", routed(LETTER)
    )
    assert "route" not in printed("console", LETTER)
