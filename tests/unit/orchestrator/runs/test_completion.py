"""A notice fits into a message: what is too large or too deep is cut, and marked."""

import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from contracts.events import Outcome, WorkflowCompleted
from orchestrator.engine.envelope import Cause
from orchestrator.runs.completion import NOTICE_BYTES, fitting, of_turn
from orchestrator.runs.payload import payload_bytes

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def notice(output: Any = None, custom_status: str | None = None) -> WorkflowCompleted:
    return WorkflowCompleted(
        instance_id="i",
        workflow="w",
        outcome=Outcome.COMPLETED,
        output=output,
        custom_status=custom_status,
        started_at=NOW,
        finished_at=NOW,
        duration_s=0,
    )


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize("output", [None, "x", {"a": [1, 2.5, None]}, "x" * 1_800_000, nested(90)])
def test_what_fits_is_announced_as_it_is(output: Any) -> None:
    fits = notice(output, "said")
    assert fitting(fits) is fits
    assert "truncated" not in fits.model_dump_json()


@pytest.mark.parametrize(
    ("output", "status", "truncated"),
    [
        ("x" * 3_000_000, None, ["output"]),
        (["é" * 400_000], "short", ["output"]),
        ({"rows": [{"n": n} for n in range(300_000)]}, None, ["output"]),
        ("x" * 3_000_000, "s" * 2_000_000, ["output", "custom_status"]),
        (nested(240), None, ["output"]),
        ({"deep": [nested(150)]}, None, ["output"]),
    ],
)
def test_what_does_not_fit_is_cut_and_marked(
    output: Any, status: str | None, truncated: list[str]
) -> None:
    cut = fitting(notice(output, status))
    assert payload_bytes(cut) <= NOTICE_BYTES
    read = WorkflowCompleted.model_validate_json(cut.model_dump_json())
    assert list(read.truncated) == truncated
    assert isinstance(read.output, str)
    assert json.dumps(output, ensure_ascii=False).startswith(read.output.removesuffix("…"))


def failing(activity: str, kind: str) -> Exception:
    error: Exception = type("TaskFailedError", (Exception,), {})("")
    error.args = (f"activity {activity} failed: {kind}: no luck",)
    return error


def raised_from(cause: Exception | None, context: Exception | None = None) -> Exception:
    error = ValueError("the order cannot be served")
    error.__cause__ = cause
    error.__context__ = context
    error.__suppress_context__ = cause is not None
    return error


@pytest.mark.parametrize(
    ("error", "activity", "cause"),
    [
        (raised_from(None), None, None),
        (raised_from(failing("pay", "CardError")), "pay", "CardError"),
        (raised_from(None, failing("pay", "CardError")), "pay", "CardError"),
        (raised_from(KeyError("k")), None, "KeyError"),
        (raised_from(raised_from(failing("pay", "CardError"))), "pay", "CardError"),
        (failing("pay", "CardError"), "pay", "CardError"),
    ],
)
def test_what_an_error_was_raised_from_is_kept(
    error: Exception, activity: str | None, cause: str | None
) -> None:
    cause_event = Cause(key="k", started_at=NOW)
    ctx: Any = SimpleNamespace(instance_id="i", current_utc_datetime=NOW.replace(tzinfo=None))
    told = of_turn(ctx, "w", cause_event, None, None, error)
    assert told.error
    assert told.error.type == type(error).__name__
    assert (told.error.activity, told.error.cause_type) == (activity, cause)
