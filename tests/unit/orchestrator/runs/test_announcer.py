"""A turn that tells its end from another thread: told, or left for later, and never in its way."""

import asyncio
from datetime import UTC, datetime

from contracts.events import Outcome, WorkflowCompleted
from orchestrator.engine.envelope import Cause
from orchestrator.runs.announcer import from_last_turn

NOW = datetime(2030, 1, 1, tzinfo=UTC)
NOTICE = WorkflowCompleted(
    instance_id="i-1",
    workflow="works",
    outcome=Outcome.COMPLETED,
    output=None,
    error=None,
    custom_status=None,
    started_at=NOW,
    finished_at=NOW,
    duration_s=0,
)


class Announcer:
    """Publishes at once, or raises, or never comes back."""

    def __init__(self, raises: Exception | None = None, hangs: bool = False) -> None:
        self.told: list[WorkflowCompleted] = []
        self._raises = raises
        self._hangs = hangs

    async def announce(self, notice: WorkflowCompleted, cause: Cause) -> None:
        assert cause == Cause()
        if self._raises:
            raise self._raises
        if self._hangs:
            await asyncio.Event().wait()
        self.told.append(notice)


async def told(announcer: Announcer, seconds: float = 10, closing: bool = False) -> bool:
    """Tell from a thread of its own, as the worker does."""
    tell = from_last_turn(announcer.announce, asyncio.get_running_loop(), seconds, lambda: closing)
    return await asyncio.to_thread(tell, NOTICE, Cause())


async def test_a_notice_is_out_before_the_turn_goes_on() -> None:
    announcer = Announcer()
    assert await told(announcer)
    assert announcer.told == [NOTICE]


async def test_a_broker_that_is_away_leaves_it_for_later() -> None:
    assert not await told(Announcer(raises=OSError("no broker")))


async def test_a_broker_that_hangs_leaves_it_for_later() -> None:
    announcer = Announcer(hangs=True)
    assert not await told(announcer, seconds=0.05)
    assert announcer.told == []


async def test_it_can_be_switched_off() -> None:
    announcer = Announcer()
    assert not await told(announcer, seconds=0)
    assert announcer.told == []


async def test_a_service_that_stops_leaves_it_for_later() -> None:
    announcer = Announcer()
    assert not await told(announcer, closing=True)
    assert announcer.told == []


def test_a_loop_that_is_gone_leaves_it_for_later() -> None:
    loop = asyncio.new_event_loop()
    loop.close()
    assert not from_last_turn(Announcer().announce, loop, 10, lambda: False)(NOTICE, Cause())
