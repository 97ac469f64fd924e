"""Runs each work item where it harms no other: in a thread, on an event loop, or isolated.

The SDK's worker hands each activity and each turn to the `Executor`. A synchronous activity runs in
a pool of threads, an `async` one on an event loop (`loops`). A turn runs in a thread of the worker.
After a process has died, each work item is marked before it runs. An item whose mark was left by a
death runs in an isolated process (`isolation`), until it ends or has died too often.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from typing import Any, TypeVar
from weakref import WeakValueDictionary

import structlog

from orchestrator.engine.instance_call import AWAY
from orchestrator.engine.sdk import SdkWorker
from orchestrator.hosting.activity_watch import ActivityWatch
from orchestrator.hosting.isolation import AT_ONCE, NotStarted, ProcessDied, run_isolated
from orchestrator.hosting.loops import Loops
from orchestrator.hosting.session import Session
from orchestrator.hosting.turn_watch import ISOLATED_SECONDS, TurnTimeout, TurnWatch
from orchestrator.hosting.work_item import WorkItem, activity_item, task_died_error, turn_item
from orchestrator.metrics import Metrics
from orchestrator.runs.failures import failure
from orchestrator.runs.reserved import ANNOUNCE, CLAIM_CHILD, FENCE, SETTLE
from orchestrator.runs.turn import may_answer

OWN_ACTIVITIES = {ANNOUNCE, CLAIM_CHILD, FENCE, SETTLE}
"""Usher's own activities. They are short and wait only for the service's event loop."""
REPEAT_SECONDS = 60
"""How long after a start the engine may repeat activities that the last process began."""
FEW_SUSPECTS = 12
"""Up to this many suspects, each waits the longest time in `WAIT_SECONDS`."""
WAIT_SECONDS = (8, 30, 120)
"""How long a suspect waits for an isolated process, by the deaths it was seen at: 1, 2, 3 or more.
Then it runs here, marked. A busy process dies with many items, and nearly all are innocent."""

Result = TypeVar("Result")
_log = structlog.get_logger()


class Executor:
    """Runs the worker's items. Create it on the service's loop, before the worker starts."""

    def __init__(
        self,
        sdk: SdkWorker,
        session: Session,
        metrics: Metrics,
        threads: int,
        has_ended: Callable[[str], Coroutine[Any, Any, bool]],
    ) -> None:
        self._sdk = sdk
        self._session = session
        self._has_ended = has_ended
        self._began = time.monotonic()
        self._metrics = metrics
        self._service_loop = asyncio.get_running_loop()
        self._loops = Loops()
        self._activities = ActivityWatch(metrics, threads)
        self.turns = TurnWatch(metrics)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="activity")
        self._threads = asyncio.Semaphore(threads)
        per_name = max(1, threads * 3 // 4)
        self._threads_of: defaultdict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(per_name)
        )
        self._processes = asyncio.Semaphore(AT_ONCE)
        self._item_locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        sdk.intercept(self._activity, self._async_activity, self._turn, may_answer)

    @property
    def unknown_activities(self) -> dict[str, str]:
        """By instance, the activity it called that is not here."""
        return self._activities.unknown

    async def look(self) -> None:
        """Report what blocks and what waits."""
        self._loops.look()
        self._activities.look()
        self.turns.look()
        self._metrics.loops_blocked.set(self._loops.blocked)

    def close(self) -> None:
        """Begin no more activities, and wait for none."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._loops.close()

    async def _activity(self, function: Any, request: Any, token: Any) -> None:
        item = activity_item(request)
        if function is None:
            self._activities.note_unknown(item)  # unanswered, so the engine asks the next process
            return
        if await self._answered_elsewhere(item, request, token):
            return
        with ExitStack() as waits:
            waits.enter_context(self._activities.waiting())
            async with self._threads_of[item.name], self._threads:
                waits.close()
                with self._activities.running(item):
                    run = partial(self._sdk.run_activity, function, request, token)
                    await asyncio.get_running_loop().run_in_executor(self._pool, run)
        self._unmark(item)

    async def _async_activity(self, function: Any, request: Any, token: Any) -> None:
        item = activity_item(request)
        if item.name in OWN_ACTIVITIES:
            await self._sdk.run_async_activity(function, request, token)
            return
        if await self._answered_elsewhere(item, request, token):
            return

        async def on_a_loop(context: Any, value: Any = None) -> Any:
            return await self._loops.run(item, lambda: function(context, value))

        with self._activities.running(item):
            await self._sdk.run_async_activity(on_a_loop, request, token)
        self._unmark(item)

    async def _answered_elsewhere(self, item: WorkItem, request: Any, token: Any) -> bool:
        """Answer an activity that must not run here. Return False if it must run here."""
        answer: bytes | Exception | None = None
        if time.monotonic() - self._began < REPEAT_SECONDS:
            answer = await asyncio.wrap_future(self._on_service_loop(self._refuse_if_ended(item)))
        if answer is None and not self._session.is_free(item):
            decision = self._decide(item, request, token)
            answer = await asyncio.wrap_future(self._on_service_loop(decision))
        if answer is None:
            return False
        if isinstance(answer, Exception):
            await asyncio.to_thread(self._sdk.run_activity, _raising(answer), request, token)
        else:
            await asyncio.to_thread(self._sdk.answer_activity, request, answer, token)
        return True

    def _turn(self, request: Any, token: Any, teardown: Callable[[], None]) -> None:
        item = turn_item(request)
        try:
            if not self._session.is_free(item):
                whole = self._sdk.whole(request)
                item = turn_item(whole)
                answer = self._on_service_loop(self._decide(item, whole, token)).result()
                if isinstance(answer, bytes):
                    self._sdk.answer_turn(request, answer, token)
                    return
                if answer is not None:
                    self._sdk.fail_turn(request, answer, token)
                    return
            with self.turns.running(item, lambda why: self._sdk.fail_turn(request, why, token)):
                self._sdk.run_turn(request, token, teardown)
        except Exception:
            _log.exception("the turn goes back to the engine", instance_id=item.instance_id)
            teardown()
        except BaseException as error:
            self._sdk.fail_turn(request, failure(error), token)
        finally:
            self._unmark(item)

    def _unmark(self, item: WorkItem) -> None:
        if self._session.has_mark(item):
            self._service_loop.call_soon_threadsafe(self._session.unmark, item)

    def _on_service_loop(self, step: Coroutine[Any, Any, Result]) -> Any:
        return asyncio.run_coroutine_threadsafe(step, self._service_loop)

    async def _refuse_if_ended(self, item: WorkItem) -> Exception | None:
        """Return an error if the run of an activity has ended. The engine repeats an activity that
        hung at its run's end after each restart; only an answer frees its thread."""
        try:
            ended = await self._has_ended(item.instance_id)
        except AWAY:
            return None
        return RuntimeError(f"{item.instance_id!r} has ended: not run again") if ended else None

    async def _decide(self, item: WorkItem, request: Any, token: Any) -> bytes | Exception | None:
        """Return an isolated process's answer, the error to fail with, or None: run it here."""
        session = self._session
        suspect = session.suspect(item)
        if suspect and session.is_spent(item):
            return task_died_error(item, suspect.deaths, suspect.how)
        if not session.is_careful:
            return None
        if suspect or session.is_deadly(item):
            wait = None
            if suspect and not session.is_deadly(item):
                wait = _wait_seconds(session.suspects, suspect.seen)
            # A sidecar that restarts may send the same item twice.
            async with self._item_locks.setdefault(item.key, asyncio.Lock()):
                answer = await self._run_isolated(item, request, token, wait)
            if answer is not None:
                return answer
        await session.mark(item)
        return None

    async def _run_isolated(
        self, item: WorkItem, request: Any, token: Any, wait: float | None
    ) -> bytes | Exception | None:
        try:
            await asyncio.wait_for(self._processes.acquire(), wait)
        except TimeoutError:
            return None
        limit = ISOLATED_SECONDS if item.kind == "workflow" else None
        try:
            while True:
                if (found := self._session.suspect(item)) and self._session.is_spent(item):
                    return task_died_error(item, found.deaths, found.how)
                try:
                    async with asyncio.timeout(limit):
                        answer = await run_isolated(item.kind, request.SerializeToString(), token)
                except TimeoutError:
                    return TurnTimeout(f"a turn of {item} came to no yield within {limit} s")
                except NotStarted as error:
                    _log.warning("no isolated process started", task=str(item), error=str(error))
                    return None
                except ProcessDied as error:
                    deaths = await self._session.count_death(item, str(error))
                    self._report_death(item, deaths, str(error))
                else:
                    await self._session.clear(item)
                    return answer
        finally:
            self._processes.release()

    def _report_death(self, item: WorkItem, deaths: int, how: str) -> None:
        self._metrics.task_deaths.labels(item.name).inc()
        where = {"task": str(item), "instance_id": item.instance_id}
        _log.error("a task ended its isolated process", **where, deaths=deaths, how=how)


def _wait_seconds(suspects: int, seen: int) -> int:
    """Return how long a suspect that was seen at `seen` deaths waits for an isolated process."""
    if suspects <= FEW_SUSPECTS or not seen:
        return WAIT_SECONDS[-1]
    return WAIT_SECONDS[min(seen, len(WAIT_SECONDS)) - 1]


def _raising(error: Exception) -> Any:
    def run(_context: Any, _value: Any = None) -> Any:
        raise error

    return run
