"""External events as an author receives them: without the envelope, and each event once.

The author yields the SDK's tasks. Usher removes the envelope before the author gets the data. If
the run has seen the event before (a redelivery), the wait continues with a new task.
"""

from collections.abc import Generator, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from dapr.ext.workflow import DaprWorkflowContext, when_all, when_any

from contracts.limits import SEEN_KEPT
from orchestrator.engine.envelope import RECEIVED_KEPT, Received, unseal_event

Task = Any
"""A task of the SDK, which has no public type for it."""

WHEN_ANY = type(when_any([]))
NESTED = (
    "an external event inside a when_all or when_any that is itself inside another is not "
    "supported: yield the inner one by itself, or wait with "
    "`yield ctx.wait_for_external_event(name, timeout=…)`"
)


class EventWait:
    """One call of `wait_for_external_event`."""

    def __init__(self, name: str, deadline: datetime | None, task: Task) -> None:
        self.name = name
        self.deadline = deadline
        self.author_task = task
        """The task that the author holds."""
        self.current = task
        """The task that waits in the engine: another one after a repeated event."""
        self.settled = False

    def settle(self, data: Any) -> None:
        """Make the author's task return the data."""
        self.settled = True
        self.author_task.get_result = lambda: data

    def fail(self, error: Exception) -> None:
        """Make the author's task raise the error of the current task."""

        def get_result() -> None:
            raise error

        self.settled = True
        self.author_task.get_result = get_result


class ExternalEvents:
    """The external events of one run."""

    def __init__(
        self, ctx: DaprWorkflowContext, seen: Iterable[str], received: Iterable[Received] = ()
    ) -> None:
        self._ctx = ctx
        self._seen = list(seen)
        self._received = list(received)
        self._waits: dict[int, EventWait] = {}
        self._lost: dict[str, EventWait] = {}

    @property
    def seen(self) -> tuple[str, ...]:
        return tuple(self._seen[-SEEN_KEPT:])

    def end(self) -> tuple[Received, ...]:
        """End every wait, and return the events that were received and not read.

        Later events wait in the engine for the run after `continue_as_new`.
        """
        unread = []
        for wait in self._waits.values():
            if wait.settled:
                continue
            if _has_result(wait.current):
                unread.append(Received(name=wait.name, event=wait.current.get_result()))
            else:
                _cancel(wait.current)
        unread += self._received
        if len(unread) > RECEIVED_KEPT:
            raise RuntimeError(
                f"{len(unread)} events were received and not asked for; continue_as_new takes "
                f"{RECEIVED_KEPT} along: take them, or pass save_events=False to drop them"
            )
        return tuple(unread)

    def wait(self, name: str, timeout: datetime | timedelta | None) -> Task:
        """Return a task for the next event of that name.

        A wait that lost a `when_any` would still receive that event first. So its task is returned
        again, or cancelled if the deadline differs.
        """
        lost = self._lost.pop(name.casefold(), None)
        if lost and not lost.settled:
            if _has_result(lost.current) or lost.deadline is timeout is None:
                lost.deadline = self._deadline(timeout)
                return lost.author_task
            _cancel(lost.current)
        wait = EventWait(name, self._deadline(timeout), self._new_task(name, timeout))
        self._waits[id(wait.author_task)] = wait
        return wait.author_task

    def resolve(self, task: Task) -> Generator[Task, Any, Any]:
        """Wait for the task that the author yielded, and return the author's result."""
        if wait := self._waits.get(id(task)):
            return (yield from self._receive(wait))
        children = task.get_tasks() if hasattr(task, "get_tasks") else []
        if any(self._contains_wait(child) for child in children if id(child) not in self._waits):
            raise TypeError(NESTED)
        if not any(id(child) in self._waits for child in children):
            return (yield task)
        if isinstance(task, WHEN_ANY):
            return (yield from self._first(task, children))
        try:
            results = yield task
        except Exception:
            for child in children:
                if (wait := self._waits.get(id(child))) and _has_result(wait.current):
                    self._accept(wait, wait.current.get_result())
            raise
        for place, child in enumerate(children):
            if wait := self._waits.get(id(child)):
                results[place] = yield from self._receive(wait)
        return results

    def _contains_wait(self, task: Task) -> bool:
        children = task.get_tasks() if hasattr(task, "get_tasks") else []
        return any(id(c) in self._waits or self._contains_wait(c) for c in children)

    def _receive(self, wait: EventWait) -> Generator[Task, Any, Any]:
        """Return the data of the next event that was not seen before."""
        while not wait.settled:
            self._accept(wait, (yield wait.current))
        return wait.author_task.get_result()

    def _first(self, task: Task, children: list[Task]) -> Generator[Task, Any, Task]:
        """Return the author's task that wins. A wait that got a repeated event continues."""
        while True:
            current = [self._current(child) for child in children]
            if current != children:  # a wait got a repeat, here or in an earlier `when_any`
                task = when_any(current)
            waits = {id(w.current): w for c in children if (w := self._waits.get(id(c)))}
            self._lost = {n: w for n, w in self._lost.items() if id(w.current) not in waits}
            winner = yield task
            wait = waits.get(id(winner))
            if wait and winner.is_failed:
                wait.fail(winner.get_exception())
            if wait is None or wait.settled or self._accept(wait, winner.get_result()):
                self._remember_losers(waits.values(), wait)
                return wait.author_task if wait else winner

    def _current(self, child: Task) -> Task:
        wait = self._waits.get(id(child))
        return wait.current if wait else child

    def _remember_losers(self, waits: Iterable[EventWait], winner: EventWait | None) -> None:
        for wait in waits:
            if wait is not winner:
                self._lost[wait.name.casefold()] = wait

    def _accept(self, wait: EventWait, received: Any) -> bool:
        """Settle a wait with the event. If it is a repeat, renew the wait's task; return False."""
        key, data = unseal_event(received)
        if key is not None and key in self._seen:
            remaining = wait.deadline - self._now() if wait.deadline else None
            wait.current = self._new_task(wait.name, remaining)
            return False
        if key is not None:
            self._seen.append(key)
        wait.settle(data)
        return True

    def _new_task(self, name: str, timeout: datetime | timedelta | None) -> Task:
        for place, received in enumerate(self._received):
            if received.name.casefold() == name.casefold():
                del self._received[place]
                return _completed(received.event)
        if isinstance(timeout, timedelta) and timeout < timedelta(0):
            timeout = timedelta(0)
        return self._ctx.wait_for_external_event(name, timeout=timeout)

    def _deadline(self, timeout: datetime | timedelta | None) -> datetime | None:
        if timeout is None or isinstance(timeout, timedelta):
            return None if timeout is None else self._now() + timeout
        return timeout if timeout.tzinfo else timeout.replace(tzinfo=UTC)

    def _now(self) -> datetime:
        return self._ctx.current_utc_datetime.replace(tzinfo=UTC)


def _has_result(task: Task) -> bool:
    return bool(task.is_complete and not task.is_failed)


def _completed(event: Any) -> Task:
    """Return a completed task. `when_all([])` is the SDK's only public one."""
    task: Task = when_all([])
    task.get_result = lambda: event
    return task


def _cancel(task: Task) -> None:
    """Make the SDK drop a wait, as at its deadline. Otherwise it would still receive an event."""
    if hasattr(task, "get_tasks"):
        _, timer = task.get_tasks()
        task.on_child_completed(timer)
