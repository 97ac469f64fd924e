"""Runs each work item in its place: a thread, an event loop, or a process of its own.

The SDK's worker hands every activity and every turn to the `Executor`. A synchronous activity gets
a thread of a pool, an `async` one an event loop (`loops`). The worker's own threads run only turns
and answers. After a death of the process, each work item is marked before it runs. One that ran at
a death runs in a process of its own (`isolation`), until it ends or has died too often.
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
from orchestrator.hosting.activity_watch import Running
from orchestrator.hosting.isolation import AT_ONCE, Died, NotStarted, run_apart
from orchestrator.hosting.loops import Loops
from orchestrator.hosting.session import Session
from orchestrator.hosting.turn_watch import APART_SECONDS, Turns, TurnTimeout
from orchestrator.hosting.work_item import WorkItem, died, task_of_activity, task_of_turn
from orchestrator.metrics import Metrics
from orchestrator.runs.failures import failure
from orchestrator.runs.reserved import ANNOUNCE, CLAIM_CHILD, FENCE, SETTLE
from orchestrator.runs.turn import may_answer

OURS = {ANNOUNCE, CLAIM_CHILD, FENCE, SETTLE}
"""Activities of Usher's: short, and they wait on the service's loop alone."""
AGAIN_SECONDS = 60
"""For so long after a start an activity may be one that was asked for before."""
FEW = 12
"""Up to so many suspects have all the patience there is."""
PATIENCE_SECONDS = (8, 30, 120)
"""Of more, how long one that was seen at one, two or more deaths waits; then it runs here, marked.
Many run when a busy process is killed, and nearly all of them are innocent."""

Result = TypeVar("Result")
_log = structlog.get_logger()


class Executor:
    """Runs tasks for the worker. Made on the service's loop, before the worker is started."""

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
        self._ours = asyncio.get_running_loop()
        self._loops = Loops()
        self._running = Running(metrics, threads)
        self.turns = Turns(metrics)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="activity")
        self._threads = asyncio.Semaphore(threads)
        share = max(1, threads * 3 // 4)
        self._shares: defaultdict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(share)
        )
        self._processes = asyncio.Semaphore(AT_ONCE)
        self._alone: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        sdk.intercept(self._activity, self._async_activity, self._turn, may_answer)

    @property
    def unknown(self) -> dict[str, str]:
        """Instances that called an activity which is not here, with its name."""
        return self._running.without_code

    async def look(self) -> None:
        """Look for what blocks and for what waits."""
        self._loops.look()
        self._running.look()
        self.turns.look()
        self._metrics.loops_blocked.set(self._loops.blocked)

    def close(self) -> None:
        """Begin no more activities, and wait for none."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._loops.close()

    async def _activity(self, function: Any, request: Any, token: Any) -> None:
        task = task_of_activity(request)
        if function is None:
            self._running.unknown(task)  # not answered: the engine asks the next process again
            return
        if await self._was_answered(task, request, token):
            return
        with ExitStack() as waits:
            waits.enter_context(self._running.waiting())
            async with self._shares[task.name], self._threads:
                waits.close()
                with self._running.running(task):
                    run = partial(self._sdk.run_activity, function, request, token)
                    await asyncio.get_running_loop().run_in_executor(self._pool, run)
        self._unmark(task)

    async def _async_activity(self, function: Any, request: Any, token: Any) -> None:
        task = task_of_activity(request)
        if task.name in OURS:
            await self._sdk.run_async_activity(function, request, token)
            return
        if await self._was_answered(task, request, token):
            return

        async def elsewhere(context: Any, value: Any = None) -> Any:
            return await self._loops.run(task, lambda: function(context, value))

        with self._running.running(task):
            await self._sdk.run_async_activity(elsewhere, request, token)
        self._unmark(task)

    async def _was_answered(self, task: WorkItem, request: Any, token: Any) -> bool:
        """Answer an activity that is not to run here; True where that is done."""
        answer: bytes | Exception | None = None
        if time.monotonic() - self._began < AGAIN_SECONDS:
            answer = await asyncio.wrap_future(self._asked(self._refuse_of_ended(task)))
        if answer is None and not self._session.is_free(task):
            answer = await asyncio.wrap_future(self._asked(self._decide(task, request, token)))
        if answer is None:
            return False
        if isinstance(answer, Exception):
            await asyncio.to_thread(self._sdk.run_activity, _raises(answer), request, token)
        else:
            await asyncio.to_thread(self._sdk.answer_activity, request, answer, token)
        return True

    def _turn(self, request: Any, token: Any, teardown: Callable[[], None]) -> None:
        task = task_of_turn(request)
        try:
            if not self._session.is_free(task):
                whole = self._sdk.whole(request)
                task = task_of_turn(whole)
                answer = self._asked(self._decide(task, whole, token)).result()
                if isinstance(answer, bytes):
                    self._sdk.answer_turn(request, answer, token)
                    return
                if answer is not None:
                    self._sdk.fail_turn(request, answer, token)
                    return
            with self.turns.running(task, lambda why: self._sdk.fail_turn(request, why, token)):
                self._sdk.run_turn(request, token, teardown)
        except Exception:
            _log.exception("a turn is given back", instance_id=task.instance_id)
            teardown()
        except BaseException as error:
            self._sdk.fail_turn(request, failure(error), token)
        finally:
            self._unmark(task)

    def _unmark(self, task: WorkItem) -> None:
        if self._session.has_mark(task):
            self._ours.call_soon_threadsafe(self._session.unmark, task)

    def _asked(self, step: Coroutine[Any, Any, Result]) -> Any:
        return asyncio.run_coroutine_threadsafe(step, self._ours)

    async def _refuse_of_ended(self, task: WorkItem) -> Exception | None:
        """Refuse an activity that hung when its run was ended. The engine asks for it again after
        each restart, which is how its thread is got back."""
        try:
            ended = await self._has_ended(task.instance_id)
        except AWAY:
            return None
        return RuntimeError(f"{task.instance_id!r} has ended: not run again") if ended else None

    async def _decide(self, task: WorkItem, request: Any, token: Any) -> bytes | Exception | None:
        """Return a task's answer from elsewhere, why it is not run at all, or None: run it here."""
        session = self._session
        suspect = session.suspect(task)
        if suspect and session.is_spent(task):
            return died(task, suspect.deaths, suspect.how)
        if not session.is_careful:
            return None
        if suspect or session.is_deadly(task):
            seen = suspect.seen if suspect else 0
            many = session.suspects > FEW
            patience = PATIENCE_SECONDS[min(seen, len(PATIENCE_SECONDS)) - 1 if many else -1]
            wait = None if session.is_deadly(task) else patience
            # A sidecar that starts again asks for the same task twice.
            async with self._alone.setdefault(task.key, asyncio.Lock()):
                answer = await self._apart(task, request, token, wait)
            if answer is not None:
                return answer
        await session.mark(task)
        return None

    async def _apart(
        self, task: WorkItem, request: Any, token: Any, wait: float | None
    ) -> bytes | Exception | None:
        try:
            await asyncio.wait_for(self._processes.acquire(), wait)
        except TimeoutError:
            return None
        most = APART_SECONDS if task.kind == "workflow" else None
        try:
            while True:
                if (found := self._session.suspect(task)) and self._session.is_spent(task):
                    return died(task, found.deaths, found.how)
                try:
                    async with asyncio.timeout(most):
                        answer = await run_apart(task.kind, request.SerializeToString(), token)
                except TimeoutError:
                    return TurnTimeout(f"a turn of {task} came to no yield within {most} s")
                except NotStarted as error:
                    _log.warning("no process for a task", task=str(task), error=str(error))
                    return None
                except Died as error:
                    deaths = await self._session.died(task, str(error))
                    self._note(task, deaths, str(error))
                else:
                    await self._session.clear(task)
                    return answer
        finally:
            self._processes.release()

    def _note(self, task: WorkItem, deaths: int, how: str) -> None:
        self._metrics.task_deaths.labels(task.name).inc()
        said = "a task ended the process of its own that it ran in"
        where = {"task": str(task), "instance_id": task.instance_id}
        _log.error(said, **where, deaths=deaths, how=how)


def _raises(error: Exception) -> Any:
    def run(_context: Any, _value: Any = None) -> Any:
        raise error

    return run
