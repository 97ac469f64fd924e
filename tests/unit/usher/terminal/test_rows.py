"""Tables of the command line: ids and times stay whole on any screen, and in a pipe."""

import io

import pytest
from rich.console import Console

from usher.terminal import views

IDS = {
    "instance_id": "approval_workflow-ce-0123456789abcdef01234567",
    "workflow": "approval_workflow",
    "created_at": "2030-01-01T12:00:00.123456Z",
    "updated_at": "2030-01-01T12:00:01.123456Z",
    "message": "what is wrong, and what would be right, at some length " * 3,
}


@pytest.mark.parametrize("width", [60, 80, 120, 200, 2000])
def test_no_id_and_no_time_is_cut_or_folded(width: int) -> None:
    console = Console(width=width, file=io.StringIO())
    console.print(views.table(tuple(IDS), [list(IDS.values()), ["second", *[None] * 4]]))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "…" not in text
    for name in ("instance_id", "workflow", "created_at", "updated_at"):
        assert IDS[name] in text
    assert " ".join(text.split()).count("at some length") >= 1
    assert "second" in text
    assert all(len(line) <= console.width for line in text.splitlines())


def test_in_a_pipe_a_row_is_a_line() -> None:
    console = Console(width=2000, file=io.StringIO())
    console.print(views.table(tuple(IDS), [list(IDS.values())]))
    assert len(console.file.getvalue().splitlines()) == 2  # type: ignore[attr-defined]


def test_where_there_are_none_the_names_of_the_columns_are_shown() -> None:
    console = Console(width=80, file=io.StringIO())
    console.print(views.table(("instance_id", "event"), []))
    assert console.file.getvalue().split() == ["instance_id", "event"]  # type: ignore[attr-defined]
