"""Event loops for authors' `async` activities, separate from the loop that hands out work items.

An activity may block its loop (`time.sleep` in an `async def`). It then delays only the activities
on that loop, and a warning names it. Later activities get another loop.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from typing import Any
from weakref import WeakKeyDictionary

import structlog

from orchestrator.hosting.work_item import WorkItem
from orchestrator.runs.failures import failure

BLOCKED_SECONDS = 1.0
"""How long a loop does not answer before it counts as blocked."""
LOOKS = 2
"""How many looks in a row must find it so. Code that holds the GIL delays the looks, too."""
MOST = 16
"""The most loops there are. When all are blocked, further activities share the last one."""

_activity: ContextVar[WorkItem | None] = ContextVar("activity", default=None)
_log = structlog.get_logger()


class Loops:
    """Runs coroutines on event loops, each in its own thread. `look` finds the blocked loops."""

    def __init__(self) -> None:
        self._loops: list[_Loop] = []

    async def run(self, item: WorkItem, call: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        """Run an activity's coroutine on a loop that is not blocked, and return its result."""
        token = _activity.set(item)
        try:
            running = asyncio.run_coroutine_threadsafe(_contained(call), self._free().loop)
        finally:
            _activity.reset(token)
        result, error = await asyncio.wrap_future(running)
        if error is None:
            return result
        raise error if isinstance(error, Exception) else failure(error)

    def look(self) -> None:
        """Look once at each loop, and warn of activities that block theirs."""
        for loop in list(self._loops):
            loop.look()

    def close(self) -> None:
        """End the loops. A blocked loop ends when its activity returns control."""
        for loop in self._loops:
            loop.close()

    @property
    def blocked(self) -> int:
        return sum(loop.is_blocked for loop in self._loops)

    def _free(self) -> "_Loop":
        for loop in self._loops:
            if not loop.is_blocked:
                return loop
        if len(self._loops) < MOST:
            self._loops.append(_Loop(len(self._loops)))
        return self._loops[-1]


class _Loop:
    """One event loop in a thread. It continues whatever a task raises into it."""

    def __init__(self, number: int) -> None:
        self.loop = asyncio.new_event_loop()
        self.loop.set_task_factory(self._create)
        self.is_blocked = False
        self._closed = False
        self._asked: float | None = None
        self._unanswered = 0
        self._warn_after = BLOCKED_SECONDS
        self._items: WeakKeyDictionary[asyncio.Future[Any], WorkItem] = WeakKeyDictionary()
        # A daemon thread, so that the process can end while an activity never returns.
        threading.Thread(target=self._run, name=f"async-activities-{number}", daemon=True).start()

    def look(self) -> None:
        if self._asked is None:
            self._asked, self._unanswered, self._warn_after = time.monotonic(), 0, BLOCKED_SECONDS
            self.is_blocked = False
            self.loop.call_soon_threadsafe(self._answer)
            return
        self._unanswered += 1
        seconds = time.monotonic() - self._asked
        if self._unanswered < LOOKS or seconds < self._warn_after:
            return
        self.is_blocked = True
        self._warn_after = 2 * seconds
        running = asyncio.current_task(self.loop)
        item = self._items.get(running) if running else None
        _log.warning(
            "an async activity blocks its event loop: await instead, or write `def`",
            activity=item.name if item else "?",
            instance_id=item.instance_id if item else None,
            seconds=round(seconds, 1),
        )

    def close(self) -> None:
        self._closed = True
        self.loop.call_soon_threadsafe(self.loop.stop)

    def _answer(self) -> None:
        self._asked = None
        self.is_blocked = False

    def _create(self, loop: asyncio.AbstractEventLoop, coro: Any, **how: Any) -> asyncio.Task[Any]:
        """Create a task and note its activity. Tasks that an activity creates inherit it."""
        created: asyncio.Task[Any] = asyncio.Task(coro, loop=loop, **how)
        if item := _activity.get():
            self._items[created] = item
        return created

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        while not self._closed:
            try:
                self.loop.run_forever()
            except BaseException as error:  # `sys.exit()` in a task that an activity created
                message = f"{type(error).__name__}: {error}"
                _log.error("a task of an async activity raised into its event loop", error=message)
        self.loop.close()


async def _contained(
    call: Callable[[], Coroutine[Any, Any, Any]],
) -> tuple[Any, BaseException | None]:
    try:
        return await call(), None
    except BaseException as error:  # would end the loop if it were raised
        return None, error
