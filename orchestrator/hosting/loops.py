"""Event loops for authors' `async` activities, apart from the loop that hands out work items.

An activity may block its loop (`time.sleep` in an `async def`). Then it holds up only the
activities on the same loop, and a warning names it. Activities that come later get another loop.
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
"""How long a loop answers nothing before it counts as blocked."""
LOOKS = 2
"""How many looks in a row must see that: code that held the GIL also held up who looks."""
MOST = 16
"""How many loops there are at most; the last one is shared by whatever comes then."""

_activity: ContextVar[WorkItem | None] = ContextVar("activity", default=None)
_log = structlog.get_logger()


class Loops:
    """Runs coroutines on loops of their own threads; `look` finds those that block."""

    def __init__(self) -> None:
        self._loops: list[_Loop] = []

    async def run(self, task: WorkItem, call: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        """Run an activity's coroutine on a loop that is not blocked, and return its result."""
        token = _activity.set(task)
        try:
            running = asyncio.run_coroutine_threadsafe(_contained(call), self._free().loop)
        finally:
            _activity.reset(token)
        result, error = await asyncio.wrap_future(running)
        if error is None:
            return result
        raise error if isinstance(error, Exception) else failure(error)

    def look(self) -> None:
        """Look once at each loop; warn of those that an activity blocks."""
        for one in list(self._loops):
            one.look()

    def close(self) -> None:
        """End the loops; one that is blocked ends once it no longer is."""
        for one in self._loops:
            one.close()

    @property
    def blocked(self) -> int:
        return sum(one.is_blocked for one in self._loops)

    def _free(self) -> "_Loop":
        for one in self._loops:
            if not one.is_blocked:
                return one
        if len(self._loops) < MOST:
            self._loops.append(_Loop(len(self._loops)))
        return self._loops[-1]


class _Loop:
    """One event loop in a thread, which goes on whatever a task raises into it."""

    def __init__(self, number: int) -> None:
        self.loop = asyncio.new_event_loop()
        self.loop.set_task_factory(self._create)
        self.is_blocked = False
        self._closed = False
        self._asked: float | None = None
        self._unanswered = 0
        self._warn_after = BLOCKED_SECONDS
        self._tasks: WeakKeyDictionary[asyncio.Future[Any], WorkItem] = WeakKeyDictionary()
        # A daemon: a process that ends does not wait for an activity that never returns.
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
        task = self._tasks.get(running) if running else None
        _log.warning(
            "an async activity blocks its event loop: await instead, or write `def`",
            activity=task.name if task else "?",
            instance_id=task.instance_id if task else None,
            seconds=round(seconds, 1),
        )

    def close(self) -> None:
        self._closed = True
        self.loop.call_soon_threadsafe(self.loop.stop)

    def _answer(self) -> None:
        self._asked = None
        self.is_blocked = False

    def _create(self, loop: asyncio.AbstractEventLoop, coro: Any, **how: Any) -> asyncio.Task[Any]:
        """Make a task that knows which activity it is of; subtasks are the activity's, too."""
        created: asyncio.Task[Any] = asyncio.Task(coro, loop=loop, **how)
        if of := _activity.get():
            self._tasks[created] = of
        return created

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        while not self._closed:
            try:
                self.loop.run_forever()
            except BaseException as error:  # `sys.exit()` in a task that an activity has made
                said = f"{type(error).__name__}: {error}"
                _log.error("a task of an async activity raised into its event loop", error=said)
        self.loop.close()


async def _contained(
    call: Callable[[], Coroutine[Any, Any, Any]],
) -> tuple[Any, BaseException | None]:
    try:
        return await call(), None
    except BaseException as error:  # raised on, it would end the loop
        return None, error
