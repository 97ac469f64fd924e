"""Many runs of a key in any order of events, redeliveries, crashes and endings."""

from contextlib import suppress
from typing import Any

from dapr.ext.workflow import WorkflowStatus
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.support.at_once import at_once
from tests.support.memory import Crash, World
from tests.unit.protocol.test_again import BASE, ITEMS, RUNS, end, entry, key, publish, run_of, seen
from tests.unit.protocol.test_protocol_crashes import age

STARTS, TICKS = "abcd", "xyz"
EVENTS = st.sampled_from([("run", one) for one in STARTS] + [("tick", one) for one in TICKS])
CRASHES = st.none() | st.tuples(st.integers(1, 8), st.booleans())

Event = tuple[str, str]


class Generations(RuleBasedStateMachine):
    """The broker keeps what was not acknowledged, and delivers it again."""

    def __init__(self) -> None:
        super().__init__()
        self.accepted: set[Event] = set()
        self.pending: set[Event] = set()

    @initialize(routes=st.sampled_from([RUNS, ITEMS]))
    def serve(self, routes: Any) -> None:
        self.world = World(routes=routes)

    @rule(event=EVENTS, crash=CRASHES, late=st.booleans())
    @at_once
    async def deliver(self, event: Event, crash: tuple[int, bool] | None, late: bool) -> None:
        if late:
            await age(self.world)
        self.accepted.add(event)
        self.pending.add(event)
        store = self.world.store
        store.crash_after, store.crash_before = crash or (None, False)
        with suppress(Crash):
            if await publish(self.world, *event):
                self.pending.discard(event)
        store.crash_after = None

    @rule(which=st.integers(0, 9))
    @at_once
    async def a_run_ends(self, which: int) -> None:
        states = self.world.engine.states
        if running := [one for one in STARTS if states.get(run_of(one)) is WorkflowStatus.RUNNING]:
            await end(self.world, running[which % len(running)])

    @invariant()
    def each_event_is_one_run_or_is_received_by_one(self) -> None:
        runs = self.world.engine.executions
        assert len(runs) == len(set(runs))
        for event in self.accepted:
            received = [one for one in STARTS if key(*event) in seen(self.world, one)]
            assert len(received) + (event[0] == "run" and run_of(event[1]) in runs) <= 1

    @at_once
    async def teardown(self) -> None:
        """Deliver what is left: everything comes to rest, and the ledger tells the truth."""
        for _ in range(100):
            for event in sorted(self.pending):
                await age(self.world)
                if await publish(self.world, *event):
                    self.pending.discard(event)
        assert not self.pending
        for event in self.accepted:
            await self._rests_rightly(event)

    async def _rests_rightly(self, event: Event) -> None:
        found, engine = await entry(self.world, *event), self.world.engine
        received = any(key(*event) in seen(self.world, one) for one in STARTS)
        started = event[0] == "run" and run_of(event[1]) in engine.executions
        match found.disposition:
            case "started":
                assert started
            case "delivered":
                assert received
            case "parked":  # for a key without a run
                listed, _ = await self.world.store.read(f"parked-{BASE}")
                assert (found.instance_id, engine.executions) == (BASE, [])
                assert found.key in (listed or {})["keys"]
            case "dead_lettered":
                assert not started
                assert not received
            case other:
                raise AssertionError(other)


TestGenerations = Generations.TestCase
TestGenerations.settings = settings(
    max_examples=60,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
