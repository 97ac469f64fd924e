"""An activity between the SDK's worker and its author: input, result, and whatever it raises."""

import asyncio
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import wraps
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from dapr.ext.workflow import WorkflowActivityContext
from pydantic import BaseModel, ConfigDict, Field

from orchestrator.runs.activity import Activity
from tests.support.replay import activity_context

if TYPE_CHECKING:
    from collections import OrderedDict

Ctx = WorkflowActivityContext


@dataclass
class Point:
    x: int
    y: int = 0


class Pair(NamedTuple):
    left: int
    right: int


class Strict(BaseModel):
    model_config = ConfigDict(strict=True)

    due: date = Field(date(2030, 1, 1), alias="dueDate")


class Duck:
    """What the SDK takes for a model, and Pydantic does not."""

    def __init__(self, x: int) -> None:
        self.x = x

    @classmethod
    def model_validate(cls, value: Any) -> "Duck":
        return cls(value["x"])

    def model_dump(self) -> dict[str, int]:
        return {"x": self.x}


def run(function: Callable[..., Any], given: Any = None) -> Any:
    called = Activity("it", function).registered()
    result = called(activity_context(), given)
    return asyncio.run(result) if asyncio.iscoroutine(result) else result


def point(_: Ctx, given: Point) -> Point:
    return Point(given.x + 1, given.y)


def pair(_: Ctx, given: Pair) -> Pair:
    return Pair(given.right, given.left)


def strict(_: Ctx, given: Strict) -> Strict:
    return given.model_copy(update={"due": given.due.replace(year=2031)})


def points(_: Ctx, given: dict[str, list[Point]]) -> dict[str, Any]:
    return {name: [one.x for one in of] for name, of in given.items()}


def duck(_: Ctx, given: Duck) -> Duck:
    return Duck(given.x + 1)


def default(_: Ctx, given: str = "World") -> str:
    return given


def alone(_: Ctx) -> str:
    return "alone"


def bare(_, given):  # type: ignore[no-untyped-def]
    return given


def hidden(_: Ctx, given: "OrderedDict[str, int]") -> Any:
    return given


async def pause() -> None:
    """Let the loop go round."""
    await asyncio.to_thread(int)


async def forever() -> None:
    await asyncio.Event().wait()


async def later(_: Ctx, given: Point) -> Any:
    await pause()
    return {given.x: Point(1)}


@pytest.mark.parametrize(
    ("function", "given", "result"),
    [
        (point, {"x": 1}, {"x": 2, "y": 0}),
        (pair, [1, 2], [2, 1]),
        (strict, {"dueDate": "2030-02-03"}, {"dueDate": "2031-02-03"}),
        (strict, {"due": "2030-02-03"}, {"dueDate": "2031-02-03"}),
        (points, {"a": [{"x": 1}, {"x": 2}]}, {"a": [1, 2]}),
        (duck, {"x": 1}, {"x": 2}),
        (default, None, "World"),
        (default, "Ada", "Ada"),
        (alone, None, "alone"),
        (bare, {"any": "thing"}, {"any": "thing"}),
        (hidden, {"x": 1}, {"x": 1}),
        (later, {"x": 1}, {"1": {"x": 1, "y": 0}}),
    ],
)
def test_input_and_result_are_as_the_author_has_them(
    function: Any, given: Any, result: Any
) -> None:
    assert run(function, given) == result


def test_an_input_that_does_not_fit_is_named() -> None:
    with pytest.raises(ValueError, match=r"^input\.x: ") as caught:
        run(point, {"x": "one"})
    assert type(caught.value).__name__ == "InvalidInput"


@pytest.mark.parametrize(
    "result",
    [
        pytest.param(object(), id="no JSON"),
        pytest.param("\ud800", id="half a surrogate pair"),
        pytest.param(10**5_000, id="a number that JSON readers refuse"),
        pytest.param("x" * 4_000_000, id="too large"),
    ],
)
def test_a_result_that_the_engine_cannot_have_is_a_failure(result: Any) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # Pydantic's, Python's or ours
        run(lambda _: result)


def test_a_coroutine_where_none_is_awaited_is_a_failure() -> None:
    @wraps(alone)
    def hides(_: Ctx) -> Any:
        return later(_, Point(1))

    with pytest.raises(TypeError, match="async def"):
        run(hides)


async def fails(how: Callable[[], Any]) -> Exception:
    async def author(_: Ctx) -> Any:
        await pause()
        return await how()

    called = Activity("it", author).registered()
    with pytest.raises(Exception) as caught:  # noqa: PT011  # the test looks at its type
        await called(activity_context(), None)
    return caught.value


async def _exits() -> None:
    sys.exit(4)


async def _cancelled_task() -> None:
    task = asyncio.create_task(forever())
    task.cancel()
    await task


async def _cancels_itself() -> None:
    task = asyncio.current_task()
    assert task
    task.cancel()
    await forever()


async def _task_exits() -> None:
    await asyncio.create_task(_exits())


async def _group() -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(_exits())


async def _gathered() -> None:
    await asyncio.gather(pause(), _exits())


async def _times_out() -> None:
    async with asyncio.timeout(0):
        await forever()


@pytest.mark.parametrize(
    ("how", "kind"),
    [
        (_exits, "SystemExit"),
        (_cancelled_task, "CancelledError"),
        (_cancels_itself, "CancelledError"),
        (_task_exits, "SystemExit"),
        (_group, "ExceptionGroup"),
        (_gathered, "SystemExit"),
        (_times_out, "TimeoutError"),
    ],
)
def test_what_an_async_activity_raises_is_an_exception(how: Any, kind: str) -> None:
    assert type(asyncio.run(fails(how))).__name__ == kind


def test_an_activity_that_is_cut_off_from_without_gives_no_answer() -> None:
    ended: list[str] = []
    begun = asyncio.Event()

    async def author(_: Ctx) -> None:
        begun.set()
        try:
            await forever()
        finally:
            ended.append("cleaned up")

    async def stopped() -> None:
        called = Activity("it", author).registered()
        task = asyncio.ensure_future(called(activity_context(), None))
        await begun.wait()
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(stopped())
    assert ended == ["cleaned up"]
