"""One instance as a chain of steps: request, decision, each step of the run, ending, notice."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

Document = dict[str, Any]
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
_ENDINGS = ("EXECUTION_COMPLETED", "EXECUTION_TERMINATED")


@dataclass
class Step:
    """One step; without an end it goes on, with an end as its beginning it is a moment."""

    kind: str
    name: str
    begin: datetime
    end: datetime | None = None
    state: str = "running"
    note: str = ""
    until: datetime | None = None

    @property
    def seconds(self) -> float | None:
        return (self.end - self.begin).total_seconds() if self.end else None

    @property
    def waits(self) -> bool:
        """Whether an event is waited for, now."""
        return self.kind == "wait" and self.end is None

    def wait(self, instance_id: str) -> Document:
        """Return a step that waits as `GET /waiting` of the orchestrator would."""
        until = self.until.isoformat() if self.until else None
        since = self.begin.isoformat()
        return {"instance_id": instance_id, "event": self.name, "since": since, "until": until}


def chain(
    instance: Document | None,
    history: Iterable[Document],
    request: Document | None,
    notice: Document | None,
) -> list[Step]:
    """Return the steps of an instance, from its request to its notice, as far as it has come.

    Any part may be missing: a purged instance has no history, one that goes on has no notice.
    """
    run = _Run(instance)
    for event in history:
        run.take(event)
    began = next((step.begin for step in run.steps), None)
    return [*_requested(request, instance, began), *run.steps, *_notified(notice)]


def _requested(
    request: Document | None, instance: Document | None, began: datetime | None
) -> list[Step]:
    if request is None:
        return []
    at = _time(request["at"])
    event_id, again = (instance or {}).get("event_id"), request["duplicates"]
    said = [f"event {event_id}" if event_id else "", f"came {again + 1} times" if again else ""]
    taken = Step("request", "", at, at, "done", ", ".join(filter(None, said)))
    decided = max(began, at) if began else at
    return [taken, Step("decision", request["disposition"], at, decided, "done")]


def _notified(notice: Document | None) -> list[Step]:
    if notice is None:
        return []
    at = _time(notice["seen_at"])
    return [Step("notified", notice["outcome"], _time(notice["finished_at"]), at, "done")]


class _Run:
    """Turns the engine's history into steps, an event at a time."""

    def __init__(self, instance: Document | None) -> None:
        self._instance = instance or {}
        self.steps: list[Step] = []
        self._open: dict[int, Step] = {}

    def take(self, event: Document) -> None:
        at, kind, name = _time(event["timestamp"]), event["type"], event["name"] or ""
        if kind in _BEGIN or kind == "TIMER_CREATED":
            self._open[event["event_id"]] = self._add(_begun(event, at, name))
        elif kind in _CLOSE:
            self._close(event, at)
        elif kind == "EVENT_RAISED":
            self._raised(name, at)
        elif kind == "EXECUTION_STARTED":
            self._add(Step("start", name, at, at, "done"))
        elif kind == "EXECUTION_SUSPENDED":
            self._add(Step("suspended", "", at))
        elif kind == "EXECUTION_RESUMED":
            self._resumed(at)
        elif kind in _ENDINGS:
            self._end(event, at)

    def _add(self, step: Step) -> Step:
        self.steps.append(step)
        return step

    def _close(self, event: Document, at: datetime) -> None:
        if step := self._open.pop(event["task_scheduled_id"], None):
            late = event["type"] == "TIMER_FIRED" and step.kind == "wait"
            step.end, step.state = at, "timed out" if late else _CLOSE[event["type"]]
            step.note = _said(event["error"])

    def _raised(self, name: str, at: datetime) -> None:
        """Give an event to the first in line for its name, as the SDK does."""
        for timer, step in self._open.items():
            if step.kind == "wait" and step.name.casefold() == name.casefold():
                step.end, step.state = at, "event came"
                del self._open[timer]
                return
        self._add(Step("event", name, at, at, "done", "kept until it is waited for"))

    def _resumed(self, at: datetime) -> None:
        for step in self.steps:
            if step.kind == "suspended" and step.end is None:
                step.end, step.state = at, "done"

    def _end(self, event: Document, at: datetime) -> None:
        """End the run, and what was open: nobody waits for it any more."""
        for step in self.steps:
            if step.end is None:
                step.end, step.state = at, "given up"
        status = self._instance.get("status") or "COMPLETED"
        state = "failed" if status == "FAILED" else "done"
        self._add(Step("completion", status, at, at, state, _said(event["error"])))


def _begun(event: Document, at: datetime, name: str) -> Step:
    if event["type"] == "TIMER_CREATED":
        kind = _TIMERS.get(event["purpose"] or "timer", "timer")
        until = _time(event["until"]) if event["until"] else None
        named = name or ("before the next attempt" if kind == "pause" else "")
        return Step(kind, named, at, until=until, state="waiting")
    if name == ANNOUNCE:
        return Step("announcement", "", at)
    return Step(_BEGIN[event["type"]], name, at)


def _said(error: Document | None) -> str:
    return f"{error['type']}: {error['message']}" if error else ""


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
