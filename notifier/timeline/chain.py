"""The timeline of an instance: request, decision, each step of the run, ending, notice."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from contracts.events import Failure, Outcome
from contracts.http import EventRecord, HistoryEvent, Instance, Waiting
from contracts.records import Notice

ANNOUNCE = "announce_completion"
_BEGIN = {"TASK_SCHEDULED": "activity", "CHILD_WORKFLOW_INSTANCE_CREATED": "child workflow"}
_TIMERS = {"event": "wait", "retry": "pause", "timer": "timer"}
_CLOSE = {
    "TASK_COMPLETED": "done",
    "TASK_FAILED": "failed",
    "CHILD_WORKFLOW_INSTANCE_COMPLETED": "done",
    "CHILD_WORKFLOW_INSTANCE_FAILED": "failed",
    "TIMER_FIRED": "done",
}
_CLOCKS = timedelta(milliseconds=10)
"""How far apart the engine's times of one moment may be."""
TROUBLE = ("failed", "timed out")
"""Step states that people look for first."""


@dataclass
class Step:
    """A step. Without an end it still runs; if the end is its beginning, it is a moment."""

    kind: str
    name: str
    begin: datetime
    end: datetime | None = None
    state: str = "running"
    note: str = ""
    until: datetime | None = None
    child: str = ""
    """The instance id of a child workflow, if known."""

    @property
    def seconds(self) -> float | None:
        return (self.end - self.begin).total_seconds() if self.end else None

    def close(self, at: datetime, state: str, note: str = "") -> None:
        """End the step at `at`, but not before its beginning: clocks differ, and an event may come
        before its wait is recorded."""
        self.end, self.state, self.note = max(at, self.begin), state, note

    @property
    def waits(self) -> bool:
        """Whether the step is an open wait for an event."""
        return self.kind == "wait" and self.end is None

    def waiting(self, instance: Instance) -> Waiting:
        """Return an open wait in the form of the orchestrator's `GET /waiting`."""
        return Waiting(
            instance_id=instance.instance_id,
            workflow=instance.workflow,
            status=instance.status,
            event=self.name,
            since=self.begin,
            until=self.until,
        )


def chain(
    instance: Instance | None,
    history: Iterable[HistoryEvent],
    request: EventRecord | None,
    notice: Notice | None,
) -> list[Step]:
    """Return the steps of an instance, from its request to its notice, as far as it has run.

    Any part may be missing: a purged instance has no history, a running one has no notice.
    """
    run = _Run(instance, notice)
    for event in history:
        run.take(event)
    run.finish()
    began = next((step.begin for step in run.steps), None)
    return [*_requested(request, instance, began), *run.steps, *_notified(notice, run.ended_at)]


def run_seconds(steps: Iterable[Step], notice: Notice | None, now: datetime) -> float | None:
    """Return how long the run took, or has taken by now; None if that is not known.

    The notice counts from the first start, which is not in the history of a run that continued
    as new.
    """
    if notice:
        return notice.duration_s
    found = {step.kind: step for step in steps}
    if "start" not in found:
        return None
    end = found["completion"].begin if "completion" in found else now
    return max((end - found["start"].begin).total_seconds(), 0)


def _requested(
    request: EventRecord | None, instance: Instance | None, began: datetime | None
) -> list[Step]:
    if request is None:
        return []
    at, again = request.at, request.duplicates
    event_id = instance.event_id if instance else None
    notes = [
        f"event {event_id}" if event_id else "",
        f"by route {request.route}" if request.route else "",
        f"came {again + 1} times" if again else "",
    ]
    taken = Step("request", "", at, at, "done", ", ".join(filter(None, notes)))
    decided = max(began, at) if began else at
    return [taken, Step("decision", request.disposition, at, decided, "done")]


def _notified(notice: Notice | None, ended_at: datetime | None) -> list[Step]:
    if notice is None:
        return []
    begin = ended_at or notice.finished_at
    step = Step("notified", notice.outcome, begin)
    step.close(notice.seen_at, "done")
    return [step]


class _Run:
    """Turns the engine's history into steps, event by event."""

    def __init__(self, instance: Instance | None, notice: Notice | None) -> None:
        self._instance = instance
        self._notice = notice
        self.steps: list[Step] = []
        self.ended_at: datetime | None = None
        self._ending: HistoryEvent | None = None
        self._open: dict[int, Step] = {}

    def take(self, event: HistoryEvent) -> None:
        at, kind, name = event.timestamp, event.type, event.name or ""
        if kind in _BEGIN or kind == "TIMER_CREATED":
            self._open[event.event_id] = self._add(_begun(event, at, name))
        elif kind in _CLOSE:
            self._close(event, at)
        elif kind == "EVENT_RAISED":
            self._raised(name, at)
        elif kind == "EXECUTION_STARTED":
            self._add(Step("start", name, at, at, "done", self._continued(at)))
        elif kind == "EXECUTION_SUSPENDED":
            self._add(Step("suspended", "", at))
        elif kind == "EXECUTION_RESUMED":
            self._resumed(at)
        elif kind == "EXECUTION_STALLED":
            self._stalled(event, at)
        elif kind in ("EXECUTION_COMPLETED", "EXECUTION_TERMINATED"):
            self._ending = event  # a termination is followed by its completion: one ending

    def _add(self, step: Step) -> Step:
        self.steps.append(step)
        return step

    def _close(self, event: HistoryEvent, at: datetime) -> None:
        if event.task_scheduled_id is None:
            return
        if step := self._open.pop(event.task_scheduled_id, None):
            late = event.type == "TIMER_FIRED" and step.kind == "wait"
            state = "timed out" if late else _CLOSE[event.type]
            step.close(at, state, _error_text(event.error))

    def _raised(self, name: str, at: datetime) -> None:
        """Give an event to the first wait for its name, as the SDK does."""
        for timer, step in self._open.items():
            if step.kind == "wait" and step.name.casefold() == name.casefold():
                step.close(at, "event came")
                del self._open[timer]
                return
        self._add(Step("event", name, at, at, "done", "kept until the workflow waits for it"))

    def _stalled(self, event: HistoryEvent, at: datetime) -> None:
        """Add a stall. The engine records a stall again with each event; that is the same stall."""
        if not (self.steps and self.steps[-1].kind == "stalled"):
            self._add(Step("stalled", "", at, state="stalled", note=_error_text(event.error)))

    def _resumed(self, at: datetime) -> None:
        for step in self.steps:
            if step.kind == "suspended" and step.end is None:
                step.close(at, "done")

    def finish(self) -> None:
        """Close past stalls; if the run has ended, add its ending and close open steps."""
        instance = self._instance
        for step in self.steps:
            if step.kind == "stalled" and not (instance and instance.status == "STALLED"):
                step.close(step.begin, "done", step.note)
        if self._ending is None:
            return
        at = self._ended_at(self._ending.timestamp)
        for step in self.steps:
            if step.end is None:
                step.close(at, "given up")
        status = instance.status if instance else str(Outcome.COMPLETED)
        state = "failed" if status == Outcome.FAILED else "done"
        note = _error_text(self._ending.error)
        if instance and status == Outcome.TERMINATED and instance.output is not None:
            note = f"reason: {instance.output}"
        self._add(Step("completion", status, at, at, state, note))
        self.ended_at = at

    def _ended_at(self, written: datetime) -> datetime:
        """Return when the run ended. The last turn may announce the ending before the engine saves
        it, so the turn's own time counts, but not before any step's end."""
        if self._notice is None:
            return written
        turn = self._notice.finished_at
        return min(written, max([turn, *(step.end for step in self.steps if step.end)]))

    def _continued(self, at: datetime) -> str:
        """Return a note if steps are missing, as `continue_as_new` begins a new history."""
        if self._notice and self._notice.started_at < at - _CLOCKS:
            return "continued as new; the engine keeps no steps from before"
        return ""


def _begun(event: HistoryEvent, at: datetime, name: str) -> Step:
    if event.type == "TIMER_CREATED":
        kind = _TIMERS[event.purpose or "timer"]
        named = name or ("before the next attempt" if kind == "pause" else "")
        return Step(kind, named, at, until=event.until, state="waiting")
    if name == ANNOUNCE:
        return Step("announcement", "", at)
    return Step(_BEGIN[event.type], name, at, child=event.child or "")


def _error_text(error: Failure | None) -> str:
    return f"{error.type}: {error.message}" if error else ""
