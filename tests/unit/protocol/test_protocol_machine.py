"""The protocols on an engine that drops, refuses and reruns as the real one: any order of steps.

Besides crashes after any step, also of the engine and the broker: a handler that stalls between
its claim and its schedule while another takes over.

What must hold: a start runs at most once for its event and for its instance id; every event that
was accepted ends in a final disposition, or is parked while its instance is not there; a workflow
sees an event at most once, and has seen it where the ledger says delivered.
"""

import json
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
from dapr.ext.workflow import WorkflowStatus
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from chassis.topic_server import SUCCESS
from contracts import identity
from contracts.cloudevent import CloudEvent
from contracts.refusal import Refused
from orchestrator.engine.envelope import Cause, unseal, unseal_event
from orchestrator.engine.state import FINISHED
from orchestrator.ledger.records import LEASE, Disposition, Ended, Entry
from tests.support.at_once import at_once
from tests.support.memory import Crash, MemoryEngine, MemoryOutbox, World
from tests.support.sidecar import CallFailed, raw_delivery
from tests.unit.protocol.test_protocol_crashes import age

HELLO: dict[str, Any] = {"workflow": "hello_workflow", "input": "Ada"}
STARTS = {
    "s-0": {**HELLO, "instance_id": "i-0"},
    "s-same": {**HELLO, "instance_id": "i-0"},
    "s-other": {**HELLO, "instance_id": "i-0", "input": "Eve"},
    "s-1": {**HELLO, "instance_id": "i-1"},
    "s-derived": HELLO,
}
RAISES = {
    "e-0": {"instance_id": "i-0", "event": "tick"},
    "e-1": {"instance_id": "i-0", "event": "tick"},
    "e-2": {"instance_id": "i-1", "event": "tick"},
    "e-nobody": {"instance_id": "i-2", "event": "tick"},
    "e-at-once": {"instance_id": "i-1", "event": "tick", "ttl_seconds": 0},
}
CRASHES = st.none() | st.integers(1, 9)


class Runs(MemoryEngine):
    """Runs what is scheduled as the worker does: the fence first, where the start is late."""

    async def begin(self, world: World, instance_id: str, clock: "Clock") -> None:
        """Take the first turn of an instance, unless it was taken."""
        cause, _ = unseal(self.inputs[instance_id])
        if self.states.get(instance_id) is not WorkflowStatus.PENDING:
            return
        assert cause.key
        assert cause.claimed_at
        late = cause.attempt > 1 or clock.since(cause.claimed_at) >= LEASE
        runs = not late or await world.ledger.may_run(cause.key, cause.attempt)
        self.states[instance_id] = WorkflowStatus.RUNNING if runs else WorkflowStatus.COMPLETED
        if runs:
            self.runs.append((instance_id, cause.key))

    def __init__(self) -> None:
        super().__init__()
        self.runs: list[tuple[str, str]] = []
        self.stall: Callable[[], Awaitable[None]] | None = None
        self.after: Callable[[], None] = lambda: None

    async def schedule(self, workflow: str, value: Any, instance_id: str, cause: Cause) -> bool:
        stalled, self.stall = self.stall, None
        if stalled:
            await stalled()
        if self.states.get(instance_id, WorkflowStatus.COMPLETED) not in FINISHED:
            return False
        self.received[instance_id] = []
        await super().schedule(workflow, value, instance_id, cause)
        self.states[instance_id] = WorkflowStatus.PENDING
        self.after()
        return True

    async def schedule_at(
        self, workflow: str, value: Any, instance_id: str, time: datetime
    ) -> None:
        await super().schedule_at(workflow, value, instance_id, time)
        self.after()

    async def raise_event(self, instance_id: str, name: str, data: Any) -> None:
        if instance_id not in self.states:
            raise CallFailed(grpc.StatusCode.UNKNOWN, "no such instance exists")
        if self.states[instance_id] not in FINISHED:
            await super().raise_event(instance_id, name, data)
            self.after()

    def seen(self, instance_id: str) -> list[str]:
        """Return what the workflow saw: it drops repeats."""
        keys = (unseal_event(one)[0] for one in self.received.get(instance_id, []))
        return list(dict.fromkeys(key for key in keys if key))


class Letters(MemoryOutbox):
    """Publishes, and may see the process end right after."""

    after: Callable[[], None] = staticmethod(lambda: None)

    async def dead_letter(
        self,
        topic: str,
        event: CloudEvent,
        refusal: Refused,
        attempts: int,
        route: str | None = None,
    ) -> None:
        await super().dead_letter(topic, event, refusal, attempts, route)
        self.after()


class Clock:
    """How much longer ago things are than the real clock says."""

    def __init__(self) -> None:
        self._leaps: list[datetime] = []

    async def leap(self, world: World) -> None:
        await age(world)
        self._leaps.append(datetime.now(UTC))

    def since(self, time: datetime) -> timedelta:
        return (LEASE + timedelta(seconds=1)) * sum(leap >= time for leap in self._leaps)


class ProtocolMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.engine = Runs()
        outbox = Letters()
        self.world = World(self.engine, outbox)
        self.engine.after = outbox.after = self._step_is_done
        self.clock = Clock()
        self.owed: dict[str, CloudEvent] = {}
        """Deliveries the broker has no answer for yet."""
        self.published: set[str] = set()

    # --- steps ------------------------------------------------------------------------------------

    @rule(event_id=st.sampled_from([*STARTS, *RAISES]), crash=CRASHES)
    @at_once
    async def publish(self, event_id: str, crash: int | None) -> None:
        """Also again, and after everything is over."""
        self.published.add(event_id)
        await self._deliver(_event(event_id), crash)

    @rule(crash=CRASHES)
    @precondition(lambda self: self.owed)
    @at_once
    async def redeliver(self, crash: int | None) -> None:
        for event in list(self.owed.values()):
            await self._deliver(event, crash)

    @rule(event_id=st.sampled_from(list(STARTS)), ends=st.booleans())
    @at_once
    async def publish_while_its_first_handler_stalls(self, event_id: str, ends: bool) -> None:
        async def stall() -> None:
            await self.clock.leap(self.world)
            await self._deliver(_event(event_id), None)
            await self._work()
            for instance_id in list(self.engine.states) if ends else []:
                await self._end(instance_id)

        self.published.add(event_id)
        self.engine.stall = stall
        await self._deliver(_event(event_id), None)
        self.engine.stall = None

    @rule()
    @at_once
    async def let_leases_end(self) -> None:
        await self.clock.leap(self.world)

    @rule(instance_id=st.sampled_from(["i-0", "i-1"]), purge=st.booleans())
    @at_once
    async def end(self, instance_id: str, purge: bool) -> None:
        await self._end(instance_id)
        if purge and self.engine.states.get(instance_id) in FINISHED:
            del self.engine.states[instance_id]

    @rule(crash=CRASHES)
    @precondition(lambda self: self.engine.timers)
    @at_once
    async def expire(self, crash: int | None) -> None:
        """The engine runs the step again after a crash."""
        run_id, (key, _) = next(iter(self.engine.timers.items()))
        self.world.store.crash_after = crash
        try:
            await self.world.parking.expire(key)
        except Crash:
            pass
        else:
            del self.engine.timers[run_id]
        self.world.store.crash_after = None

    @rule(event_id=st.sampled_from([*STARTS, *RAISES]), crash=CRASHES)
    @at_once
    async def redrive(self, event_id: str, crash: int | None) -> None:
        entry = await self._entry(event_id)
        if entry and entry.disposition is Disposition.DEAD_LETTERED:
            await self._deliver(_event(event_id, redrive=str(entry.letters)), crash)

    # --- what must hold ---------------------------------------------------------------------------

    @invariant()
    def at_most_one_run_for_an_event_and_for_an_instance_id(self) -> None:
        for place in (0, 1):
            assert max(Counter(run[place] for run in self.engine.runs).values(), default=0) <= 1

    @at_once
    async def teardown(self) -> None:
        """Let the broker deliver until nothing is owed; then look at every event."""
        for _ in range(6):
            await self.clock.leap(self.world)
            for event in list(self.owed.values()):
                await self._deliver(event, None)
        assert self.owed == {}
        for event_id in self.published:
            entry = await self._entry(event_id)
            assert entry, f"{event_id} is lost"
            await self._is_settled(entry)

    async def _is_settled(self, entry: Entry) -> None:
        instance_id = entry.instance_id or ""
        if entry.disposition is Disposition.PARKED:
            assert instance_id not in self.engine.states
            assert entry.key in [key for key, _ in self.engine.timers.values()]
            return
        assert entry.final
        if entry.disposition is Disposition.STARTED:
            assert (instance_id, entry.key) in self.engine.runs
        elif entry.disposition is Disposition.DELIVERED:
            seen = self.engine.seen(instance_id)
            ended = await self.world.ledger.ended(instance_id)
            assert entry.key in (ended.seen if ended else seen)
        elif entry.disposition in (Disposition.DEAD_LETTERED, Disposition.EXPIRED):
            letters = [event for _, event, _ in self.world.outbox.letters]
            assert entry.key in [identity.event_key(one.source, one.id) for one in letters]

    # --- how --------------------------------------------------------------------------------------

    async def _deliver(self, event: CloudEvent, crash: int | None) -> None:
        self.owed[event.id] = event
        starts = event.id in STARTS
        take = self.world.inbox.on_request if starts else self.world.inbox.on_event
        extensions = dict(event.attributes)
        message = raw_delivery(event.body, id=event.id, source=event.source, extensions=extensions)
        self.world.store.crash_after = crash
        try:
            if await take(message) is SUCCESS:
                self.owed.pop(event.id, None)
        except Crash:
            pass
        self.world.store.crash_after = None
        await self._work()

    def _step_is_done(self) -> None:
        store = self.world.store
        if store.crash_after is not None:
            store.crash_after -= 1
            if store.crash_after <= 0:
                store.crash_after = None
                raise Crash

    async def _work(self) -> None:
        for instance_id in list(self.engine.inputs):
            await self.engine.begin(self.world, instance_id, self.clock)

    async def _end(self, instance_id: str) -> None:
        if self.engine.states.get(instance_id) is WorkflowStatus.RUNNING:
            cause, _ = unseal(self.engine.inputs[instance_id])
            seen = self.engine.seen(instance_id)
            ended = Ended(key=cause.key, outcome="COMPLETED", seen=seen)
            await self.world.ledger.end(instance_id, ended)
            self.engine.states[instance_id] = WorkflowStatus.COMPLETED

    async def _entry(self, event_id: str) -> Entry | None:
        return await self.world.ledger.find("/test", event_id)


def _event(event_id: str, **attributes: str) -> CloudEvent:
    command = {**STARTS, **RAISES}[event_id]
    return CloudEvent(event_id, "/test", "t", json.dumps(command).encode(), attributes=attributes)


TestProtocols = ProtocolMachine.TestCase
TestProtocols.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
