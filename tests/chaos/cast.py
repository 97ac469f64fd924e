"""What a storm publishes, and what must come of each: runs, events for them, and poison."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, Literal

from contracts.commands import StartWorkflow
from contracts.events import Outcome, Reason
from contracts.identity import instance_to_start
from contracts.topics import Topic

Door = Literal["starter", "sidecar", "raw"]
"""Starter's route, its sidecar as `dapr publish` uses it, or bytes that are no CloudEvent."""

OVERSIZE_BYTES = 1024 * 1024 + 1
SOURCE = "/chaos"
ROUTED_RUNS, ROUTED_EVENTS = "storm-runs", "storm-events"
"""The topics of the routes in `workflows/storm.py`."""


@dataclass(frozen=True)
class Run:
    """A run that must take place once, end like this, and be announced once."""

    instance_id: str
    mark: str
    """In its input, and so in every line that its activities write."""
    outcome: Outcome
    steps: tuple[str, ...]
    output: tuple[str, ...] | None
    """Compared in any order: events of one instance may overtake each other in a crash."""
    needs: tuple[str, ...] = ()
    """The publications without which it does not end."""
    generations: bool = False
    """Whether it continues as new, which the engine takes for a new creation."""


@dataclass(frozen=True)
class Gate:
    """Published only once this instance was seen to have started, or to have been announced."""

    instance_id: str
    seen: Literal["started", "announced"]


@dataclass(frozen=True)
class Publication:
    """One event to publish, under an identity of its own, and its fate once it is accepted."""

    mark: str
    """The CloudEvent's id."""
    topic: str
    data: Any = field(repr=False)
    dispositions: frozenset[str]
    """What the ledger may say of it in the end; nothing for what has no identity."""
    run: Run | None = None
    """What it starts."""
    reason: Reason | None = None
    """Of its dead letter; None where it must have none."""
    gate: Gate | None = None
    door: Door = "sidecar"
    type: str = "chaos"

    @property
    def envelope(self) -> dict[str, Any]:
        head = {"specversion": "1.0", "id": self.mark, "source": SOURCE, "type": self.type}
        return {**head, "datacontenttype": "application/json", "data": self.data}


Placed = tuple[float, Publication]
"""A publication, and how much later than the request it belongs to, counted in requests."""


def performance(mark: str, dice: Random) -> Iterator[Placed]:
    """Yield the request for one run, and every event that concerns the run."""
    kind = dice.choices(["chain", "timer", "events", "failing", "endless"], [15, 45, 22, 8, 10])[0]
    value: dict[str, Any] = {"mark": mark}
    if kind == "timer":
        value["seconds"] = round(dice.uniform(0.5, 3), 1)
    if kind == "events":
        value |= {"events": dice.randint(1, 3), "generations": dice.random() < 0.4}
    data: dict[str, Any] = {"workflow": f"storm_{kind}_workflow", "input": value}
    addressed = dice.choice(["given", "keyed", "derived"])
    if addressed == "given":
        data["instance_id"] = f"run-{mark}"
    elif addressed == "keyed":
        data["key"] = mark
    run = _run(mark, kind, data)
    door: Door = dice.choice(["starter", "sidecar"])
    request = Publication(mark, Topic.REQUESTS, data, frozenset({"started"}), run=run, door=door)
    placed = [*_requests(request, run, dice), *_events(run, door, dice), *_too_late(run, dice)]
    by_route = addressed == "keyed"
    yield from ((n, as_business_event(one, mark) if by_route else one) for n, one in placed)


def as_business_event(publication: Publication, mark: str) -> Publication:
    """Return a command as the event of a shop that a route makes the same command of."""
    data = publication.data
    if publication.topic == Topic.REQUESTS:
        kind, value = data["workflow"], data["input"]
        return replace(publication, topic=ROUTED_RUNS, type=kind, data={**value, "shop": "north"})
    if not data["instance_id"].endswith(f"_workflow-{mark}"):
        return publication  # for nobody
    kind = data["instance_id"].removesuffix(f"-{mark}")
    told = {"mark": mark, "tick": data.get("data")}
    kind = f"{kind}.end" if "control" in data else kind
    return replace(publication, topic=ROUTED_EVENTS, type=kind, data=told)


def _run(mark: str, kind: str, data: dict[str, Any]) -> Run:
    instance_id = instance_to_start(StartWorkflow.model_validate(data), SOURCE, mark)
    ticks = tuple(f"{mark}-tick-{n}" for n in range(data["input"].get("events", 0)))
    match kind:
        case "failing":
            return Run(instance_id, mark, Outcome.FAILED, ("break",), None)
        case "endless":
            end = f"{mark}-end"
            return Run(instance_id, mark, Outcome.TERMINATED, ("begun",), None, (end,))
        case "events":
            generations = data["input"]["generations"]
            steps = ("begun", *(f"got:{tick}" for tick in ticks))
            return Run(instance_id, mark, Outcome.COMPLETED, steps, ticks, ticks, generations)
    steps = ("one", "two", "three") if kind == "chain" else ("before", "after")
    return Run(instance_id, mark, Outcome.COMPLETED, steps, steps)


def _requests(request: Publication, run: Run, dice: Random) -> Iterator[Placed]:
    """Yield the request, now and then with a twin that asks for the very same under another id,
    or a rival that wants the instance id for something else."""
    if "instance_id" not in request.data:
        yield 0, request
        return
    if dice.random() < 0.1:
        request = replace(request, dispositions=frozenset({"started", "duplicate"}))
        yield dice.uniform(0, 10), replace(request, mark=f"{run.mark}-twin")
    yield 0, request
    if dice.random() < 0.06:
        other = {**request.data, "input": {"mark": run.mark, "seconds": 99}}
        rival = _refused(f"{run.mark}-rival", Topic.REQUESTS, other, Reason.INSTANCE_EXISTS)
        yield dice.uniform(0, 10), replace(rival, gate=_started(run))


def _events(run: Run, door: Door, dice: Random) -> Iterator[Placed]:
    """Yield what a run waits for: some before its request, some while it is served, some after."""
    to = {"instance_id": run.instance_id}
    for need in run.needs:
        if run.outcome is Outcome.TERMINATED:
            control = {**to, "control": "terminate", "reason": "the storm"}
            controlled = frozenset({"controlled"})
            ends = Publication(need, Topic.EVENTS, control, controlled, door=door)
            yield dice.uniform(1, 15), replace(ends, gate=_started(run))
        else:
            tick = {**to, "event": "tick", "data": need}
            gate = _started(run) if dice.random() < 0.3 else None
            delivered = frozenset({"delivered"})
            event = Publication(need, Topic.EVENTS, tick, delivered, gate=gate, door=door)
            yield dice.uniform(-15, 15), event


def _too_late(run: Run, dice: Random) -> Iterator[Placed]:
    """Yield, now and then, an event for a run that has ended, and one for nobody."""
    if dice.random() < 0.04:
        late = {"instance_id": run.instance_id, "event": "tick", "data": "late"}
        event = _refused(f"{run.mark}-late", Topic.EVENTS, late, Reason.INSTANCE_FINISHED)
        yield 5, replace(event, gate=Gate(run.instance_id, "announced"))
    if dice.random() < 0.02:
        nobody = {"instance_id": f"nobody-{run.mark}", "event": "tick", "ttl_seconds": 2}
        yield 5, _refused(f"{run.mark}-expires", Topic.EVENTS, nobody, Reason.EXPIRED)


POISON: tuple[tuple[Reason, Topic, Any], ...] = (
    (Reason.UNKNOWN_WORKFLOW, Topic.REQUESTS, {"workflow": "storm_no_such_workflow"}),
    (Reason.INVALID_JSON, Topic.REQUESTS, '{"workflow": '),
    (Reason.INVALID_INPUT, Topic.REQUESTS, {"workflow": "storm_chain_workflow", "input": {"x": 1}}),
    (
        Reason.HANDLER_ERROR,
        Topic.REQUESTS,
        {"workflow": "storm_chain_workflow", "input": {"bug": True}},
    ),
    (Reason.INVALID_JSON, Topic.REQUESTS, None),
    (Reason.INVALID_REQUEST, Topic.EVENTS, {"instance_id": "x"}),
    (Reason.OVERSIZE, Topic.REQUESTS, {"workflow": "x", "input": "x" * OVERSIZE_BYTES}),
    (
        Reason.INVALID_INSTANCE_ID,
        Topic.REQUESTS,
        {"workflow": "storm_chain_workflow", "instance_id": "a b"},
    ),
    (Reason.INVALID_REQUEST, Topic.REQUESTS, {"instance_id": "x", "event": "tick"}),
    (Reason.UNKNOWN_INSTANCE, Topic.EVENTS, {"instance_id": "nobody", "control": "suspend"}),
)


def poison(mark: str, nth: int) -> Publication:
    """Return the `nth` poison of a storm: all kinds in turn."""
    reason, topic, data = POISON[nth % len(POISON)]
    if reason is Reason.OVERSIZE and nth >= len(POISON):
        return poison(mark, 0)  # once is enough to carry around
    if data is None:
        return Publication(mark, topic, mark, frozenset(), reason=reason, door="raw")
    return _refused(mark, topic, data, reason)


def _refused(mark: str, topic: Topic, data: Any, reason: Reason) -> Publication:
    """Return a publication that must become one dead letter."""
    disposition = "expired" if reason is Reason.EXPIRED else "dead_lettered"
    return Publication(mark, topic, data, frozenset({disposition}), reason=reason)


def _started(run: Run) -> Gate:
    return Gate(run.instance_id, "started")
