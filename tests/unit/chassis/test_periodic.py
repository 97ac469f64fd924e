"""What is done again and again: also after it failed, and no more once it is stopped."""

import asyncio

from chassis.periodic import Periodic


async def test_a_step_that_fails_is_tried_again_until_it_is_told_to_stop() -> None:
    done, enough = list[int](), asyncio.Event()

    async def step() -> None:
        done.append(1)
        if len(done) == 3:
            enough.set()
        raise ConnectionError("it is away")

    periodic = Periodic("test", 0.001, step)
    periodic.start()
    async with asyncio.timeout(10):
        await enough.wait()
    await periodic.stop()
    assert len(done) >= 3
    assert "test" not in {task.get_name() for task in asyncio.all_tasks()}


async def test_a_step_that_fails_is_tried_again_as_soon_as_the_first_one_was() -> None:
    done, enough = list[int](), asyncio.Event()

    async def step() -> None:
        done.append(1)
        if len(done) == 1:
            raise ConnectionError("it is away")
        enough.set()

    periodic = Periodic("test", 3600, step, 0.001)
    periodic.start()
    async with asyncio.timeout(10):
        await enough.wait()
    await periodic.stop()
    assert len(done) == 2
