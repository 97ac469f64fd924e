"""Ledger, parking and starts against a model: any order of deliveries, crashes and redrives."""

import json
from typing import Any

from dapr.ext.workflow import WorkflowStatus
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from contracts import identity
from contracts.cloudevent import CloudEvent
from contracts.topics import Topic
from orchestrator.ledger.records import Ended, Entry
from tests.support.at_once import at_once
from tests.support.memory import Crash, World
from tests.support.sidecar import raw_delivery
from tests.unit.protocol.test_protocol_crashes import age

INSTANCES = st.sampled_from(["i-1", "i-2"])
NUMBERS = st.integers(1, 3)
CRASHES = st.none() | st.tuples(st.integers(1, 4), st.booleans())
SOURCE = "/test"


def key_of(event_id: str) -> str:
    return identity.event_key(SOURCE, event_id)


class Promises(RuleBasedStateMachine):
    """The broker keeps what was not answered SUCCESS, and delivers it again, as the real one."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.pending: list[tuple[Topic, CloudEvent, dict[str, str]]] = []
        self.accepted: set[str] = set()

    @rule(instance=INSTANCES, number=NUMBERS, name=st.sampled_from(["Ada", "Eve"]))
    def publish_start(self, instance: str, number: int, name: str) -> None:
        command = {"workflow": "hello_workflow", "input": name, "instance_id": instance}
        self._publish(Topic.REQUESTS, f"s-{instance}-{number}-{name}", command)

    @rule(number=NUMBERS, name=st.sampled_from(["Ada", "Eve"]))
    def publish_start_without_an_id(self, number: int, name: str) -> None:
        command = {"workflow": "hello_workflow", "input": name}
        self._publish(Topic.REQUESTS, f"d-{number}-{name}", command)

    @rule(instance=INSTANCES, number=NUMBERS)
    def publish_event(self, instance: str, number: int) -> None:
        command = {"instance_id": instance, "event": "tick", "data": number}
        self._publish(Topic.EVENTS, f"e-{instance}-{number}", command)

    @rule(crash=CRASHES, which=st.integers(0, 9))
    @at_once
    async def deliver(self, crash: tuple[int, bool] | None, which: int) -> None:
        if not self.pending:
            return
        topic, event, extensions = self.pending.pop(which % len(self.pending))
        take = self.world.inbox.on_request if topic is Topic.REQUESTS else self.world.inbox.on_event
        self._let_crash(crash)
        try:
            answer = await take(
                raw_delivery(event.body, id=event.id, source=SOURCE, extensions=extensions)
            )
        except Crash:
            self.pending.append((Topic(topic), event, extensions))
            await age(self.world)
        else:
            if answer.status.name == "retry":
                self.pending.append((topic, event, extensions))
                await age(self.world)
        self.world.store.crash_after = None

    @rule(instance=INSTANCES)
    @at_once
    async def finish(self, instance: str) -> None:
        engine = self.world.engine
        if engine.states.get(instance) is not WorkflowStatus.RUNNING:
            return
        seen = list(
            dict.fromkeys(one["$usher"]["key"] for one in engine.received.get(instance, []))
        )
        holder = await self.world.ledger.holder(instance)
        key = holder.key if holder else None
        await self.world.ledger.end(instance, Ended(key=key, outcome="COMPLETED", seen=seen))
        engine.states[instance] = WorkflowStatus.COMPLETED

    @rule(instance=INSTANCES)
    def purge(self, instance: str) -> None:
        if self.world.engine.states.get(instance) is WorkflowStatus.COMPLETED:
            del self.world.engine.states[instance]

    @rule(which=st.integers(0, 9), crash=CRASHES)
    @at_once
    async def a_deadline_comes(self, which: int, crash: tuple[int, bool] | None) -> None:
        timers = self.world.engine.timers
        if not timers:
            return
        run_id = sorted(timers)[which % len(timers)]
        self._let_crash(crash)
        try:
            await self.world.parking.expire(timers[run_id][0])
        except Crash:
            pass  # the engine runs the activity again
        else:
            del timers[run_id]
        self.world.store.crash_after = None

    @rule(which=st.integers(0, 9))
    @at_once
    async def redrive(self, which: int) -> None:
        letters = self.world.outbox.letters
        if letters:
            topic, event, _ = letters[which % len(letters)]
            entry = await self.world.ledger.find(SOURCE, event.id)
            attempts = str(entry.letters if entry else 1)
            self.pending.append((Topic(topic), event, {"redrive": attempts}))

    @invariant()
    def nothing_runs_twice(self) -> None:
        executions = self.world.engine.executions
        assert len(executions) == len(set(executions)), executions

    @invariant()
    @at_once
    async def what_is_answered_is_in_the_ledger(self) -> None:
        waiting = {event.id for _, event, _ in self.pending}
        for event_id in self.accepted - waiting:
            entry = await self.world.ledger.find(SOURCE, event_id)
            assert entry is not None
            assert entry.disposition != "claimed", entry

    @invariant()
    @at_once
    async def a_start_that_says_started_has_run(self) -> None:
        for event_id in self.accepted:
            entry = await self.world.ledger.find(SOURCE, event_id)
            if entry and entry.disposition == "started":
                assert entry.instance_id in self.world.engine.executions

    @invariant()
    @at_once
    async def what_says_delivered_was_received(self) -> None:
        received: dict[str, set[str]] = {
            instance: {one["$usher"]["key"] for one in events}
            for instance, events in self.world.engine.received.items()
        }
        for event_id in self.accepted:
            entry = await self.world.ledger.find(SOURCE, event_id)
            if entry and entry.disposition == "delivered":
                assert key_of(event_id) in received.get(entry.instance_id or "", set())

    @at_once
    async def teardown(self) -> None:
        """Deliver what is left: everything comes to rest."""
        for _ in range(200):
            if not self.pending:
                break
            self.deliver(None, 0)
        assert not self.pending
        self.what_is_answered_is_in_the_ledger()
        for event_id in self.accepted:
            entry = await self.world.ledger.find(SOURCE, event_id)
            if entry and entry.disposition == "parked":
                await self._waits_rightly(entry)

    async def _waits_rightly(self, entry: Entry) -> None:
        """A parked event has no instance, stands in the list, and will expire."""
        assert entry.instance_id not in self.world.engine.states
        listed, _ = await self.world.store.read(f"parked-{entry.instance_id}")
        assert listed is not None
        assert entry.key in listed["keys"]
        assert entry.key in [key for key, _ in self.world.engine.timers.values()]

    def _let_crash(self, crash: tuple[int, bool] | None) -> None:
        store = self.world.store
        store.crash_after, store.crash_before = crash or (None, False)

    def _publish(self, topic: Topic, event_id: str, command: dict[str, Any]) -> None:
        event = CloudEvent(event_id, SOURCE, "t", json.dumps(command).encode())
        self.accepted.add(event_id)
        self.pending.append((topic, event, {}))


TestPromises = Promises.TestCase
TestPromises.settings = settings(
    max_examples=80,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
