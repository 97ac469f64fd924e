"""A notice fits into a message: what is too large or too deep is cut, and marked."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from contracts.events import Outcome, WorkflowCompleted
from orchestrator.notices import NOTICE_BYTES, fitting
from orchestrator.payload import payload_bytes

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
