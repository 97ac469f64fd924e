"""`from usher import activity, workflow`: a decorated function keeps its type under mypy strict."""

import subprocess
import sys
from pathlib import Path

FILE = """
from collections.abc import Generator
from typing import Any

from dapr.ext.workflow import DaprWorkflowContext, WorkflowActivityContext
from usher import Cancel, Deliver, Every, Start, activity, workflow


@activity
def doubled(_: WorkflowActivityContext, number: int) -> int:
    return 2 * number


@workflow(
    example=2,
    on=[
        Start("numbers", type="chosen", key="data.id", input="data.number"),
        Deliver("numbers", key="data.id", event="more", ttl_seconds=5),
        Cancel("numbers", key="data.id", early="1h"),
        Every("0 9 * * 1-5", missed="all"),
        Every("0 9 * * 1-5", missed="some"),  # type: ignore[arg-type]
        Start("numbers", wen="data.number > 1"),  # type: ignore[call-arg]
    ],
)
def doubling(ctx: DaprWorkflowContext, input: int) -> Generator[Any, Any, int]:
    result: int = yield ctx.call_activity(doubled, input=input)
    return result


reveal_type(doubled)
reveal_type(doubling)
"""


def test_a_decorated_function_keeps_its_type(tmp_path: Path) -> None:
    file = tmp_path / "doubling.py"
    file.write_text(FILE)
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path), str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout
    assert "WorkflowActivityContext, number: int) -> int" in checked.stdout
    assert "input: int) -> typing.Generator[Any, Any, int]" in checked.stdout
