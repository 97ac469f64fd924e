"""Loops for async activities: what blocks one, or raises into one, harms no other."""

import asyncio
import threading
from collections.abc import Iterator

import pytest
import structlog.testing

from orchestrator.hosting.loops import Loops
from orchestrator.hosting.work_item import WorkItem
from orchestrator.runs.failures import Failure
from tests.support.driver import eventually

pytestmark = pytest.mark.anyio
ITEM = WorkItem("activity", "fetch", "order-1", "x")


@pytest.fixture
def loops() -> Iterator[Loops]:
    """Loops that are closed in the end."""
    made = Loops()
    yield made
    made.close()


async def test_a_result_comes_back_from_another_thread(loops: Loops) -> None:
    async def where() -> int:
        return threading.get_ident()

    assert await loops.run(ITEM, where) != threading.get_ident()


async def test_a_failure_comes_back_as_it_is(loops: Loops) -> None:
    async def fail() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await loops.run(ITEM, fail)


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError()])
async def test_what_is_no_exception_fails_the_activity_alone(
    loops: Loops, error: BaseException
) -> None:
    async def leave() -> None:
        raise error

    async def stay() -> str:
        return "here"

    with pytest.raises(Failure) as caught:
        await loops.run(ITEM, leave)
    assert type(caught.value).__name__ == type(error).__name__
    assert await loops.run(ITEM, stay) == "here"


async def test_a_loop_outlives_what_a_subtask_raises_and_a_stop(loops: Loops) -> None:
    async def leave() -> None:
        raise SystemExit(3)

    async def spawn() -> str:
        task = asyncio.create_task(leave())
        await asyncio.wait([task])
        asyncio.get_running_loop().call_soon(asyncio.get_running_loop().stop)
        await asyncio.to_thread(int)
        return str(type(task.exception()).__name__)

    assert await loops.run(ITEM, spawn) == "SystemExit"
    assert await loops.run(ITEM, spawn) == "SystemExit"


async def test_one_that_blocks_is_named_while_it_does_and_others_go_elsewhere(loops: Loops) -> None:
    over = threading.Event()

    async def block() -> str:
        async def inner() -> str:
            over.wait(30)
            return "over"

        return (await asyncio.gather(inner()))[0]  # a subtask is the activity's, too

    async def quick() -> str:
        return "quick"

    blocking = asyncio.create_task(loops.run(ITEM, block))
    with structlog.testing.capture_logs() as logs:

        def look() -> list[object]:
            loops.look()
            return list(logs)

        await asyncio.to_thread(eventually, look, bool, 10)
    assert (logs[0]["activity"], logs[0]["instance_id"]) == ("fetch", "order-1")
    assert loops.blocked == 1
    assert await loops.run(ITEM, quick) == "quick"
    assert not blocking.done()
    over.set()
    assert await blocking == "over"
