"""The reconciler: announces what ended in silence, once, and counts what has stalled."""

from contextlib import suppress
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import structlog
from dapr.ext.workflow import WorkflowStatus

from contracts.events import Outcome, WorkflowCompleted
from orchestrator.engine.client import Engine
from orchestrator.engine.envelope import Cause
from orchestrator.engine.instance_ids import InstanceIds
from orchestrator.engine.state import Unreadable
from orchestrator.ledger.known_endings import KnownEndings
from orchestrator.ledger.records import Ended
from orchestrator.outbox import Outbox
from orchestrator.runs.announcer import Announcer
from orchestrator.runs.reconciler import RECHECKED, Reconciler
from tests.support.memory import CATALOGUE, MemoryEngine, World

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)


class Instances(MemoryEngine):
    """Shows instances in full, and counts how often one is looked at."""

    looks = 0
    being_saved: str | None = None
    """An instance that cannot be read."""

    async def state(self, instance_id: str) -> Any:
        self.looks += 1
        if instance_id == self.being_saved:
            return Unreadable(instance_id, "inbox key 'inbox-0' missing from state store")
        state = await super().state(instance_id)
        return state and SimpleNamespace(
            **vars(state)
            | {
                "instance_id": instance_id,
                "created_at": NOON,
                "last_updated_at": NOON,
                "serialized_output": '"enough"',
                "serialized_custom_status": None,
                "failure_details": None,
            },
        )

    async def all_ids(self) -> list[str]:
        return [*self.states, *self.timers]


class Notices:
    """Keeps what is published; once broken, raises instead."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Outcome, str | None]] = []
        self.broken = False
        self.refused = ""

    async def completed(self, notice: WorkflowCompleted, cause: Cause) -> None:
        if self.broken or notice.instance_id == self.refused:
            raise ConnectionError("the broker is away")
        self.told.append((notice.instance_id, notice.outcome, cause.event_id))


class Sweeping:
    def __init__(self) -> None:
        self.engine, self.notices = Instances(), Notices()
        self.world = World(self.engine)

    def replica(self, looks: int = 750) -> Reconciler:
        engine = cast(Engine, self.engine)
        outbox = cast(Outbox, self.notices)
        announcer = Announcer(CATALOGUE.workflows, engine, self.world.ledger, outbox)
        endings, instance_ids = KnownEndings(self.world.ledger), InstanceIds(engine, lambda: 0)
        return Reconciler(instance_ids, endings, announcer, CATALOGUE.workflows, looks)

    async def run(self, instance_id: str, status: WorkflowStatus, *, ours: bool = True) -> None:
        cause = Cause(event_id=f"s-{instance_id}", key=instance_id) if ours else Cause()
        await self.engine.schedule("hello_workflow", "Ada", instance_id, cause)
        self.engine.states[instance_id] = status


async def test_a_run_that_was_terminated_past_usher_is_announced_once() -> None:
    sweeping = Sweeping()
    await sweeping.run("i-1", WorkflowStatus.TERMINATED)
    await sweeping.run("i-2", WorkflowStatus.RUNNING)
    one, other = sweeping.replica(), sweeping.replica()
    for replica in (one, other, one, other):
        await replica.sweep()
    assert sweeping.notices.told == [("i-1", Outcome.TERMINATED, "s-i-1")]
    ended = await sweeping.world.ledger.ended("i-1")
    assert ended
    assert (ended.key, ended.outcome) == ("i-1", "TERMINATED")


async def test_a_notice_that_could_not_be_published_is_tried_at_the_next_sweep() -> None:
    sweeping = Sweeping()
    await sweeping.run("i-1", WorkflowStatus.FAILED)
    replica = sweeping.replica()
    sweeping.notices.broken = True
    try:
        await replica.sweep()
    except ConnectionError:
        sweeping.notices.broken = False
    await replica.sweep()
    assert [told[:2] for told in sweeping.notices.told] == [("i-1", Outcome.FAILED)]


async def test_what_was_scheduled_past_usher_is_not_ours_to_announce() -> None:
    sweeping = Sweeping()
    await sweeping.run("i-1", WorkflowStatus.COMPLETED, ours=False)
    await sweeping.replica().sweep()
    assert sweeping.notices.told == []


async def test_what_has_ended_is_not_looked_at_again_and_what_expires_never() -> None:
    sweeping = Sweeping()
    await sweeping.run("i-1", WorkflowStatus.TERMINATED)
    sweeping.engine.timers[f"usher_expire-{24 * 'a'}-1"] = ("key", NOON)
    replica = sweeping.replica()
    await replica.sweep()
    looks = sweeping.engine.looks
    await replica.sweep()
    assert sweeping.engine.looks == looks


async def test_of_those_that_are_not_ours_a_few_are_looked_at_again_each_time() -> None:
    sweeping = Sweeping()
    for number in range(3 * RECHECKED):
        await sweeping.run(f"i-{number}", WorkflowStatus.COMPLETED, ours=False)
    replica = sweeping.replica()
    await replica.sweep()
    for more in (1, 2, 3):
        await replica.sweep()
        assert sweeping.engine.looks == (3 + more) * RECHECKED


async def test_p6_an_id_that_an_event_uses_again_has_its_end_announced() -> None:
    sweeping = Sweeping()
    await sweeping.run("i-1", WorkflowStatus.COMPLETED, ours=False)
    replica = sweeping.replica()
    await replica.sweep()
    await sweeping.run("i-1", WorkflowStatus.TERMINATED)
    await replica.sweep()
    assert [told[0] for told in sweeping.notices.told] == ["i-1"]


async def test_p6_one_whose_end_cannot_be_announced_holds_up_no_other() -> None:
    """Such as one whose notice is too large for the broker, for ever."""
    sweeping = Sweeping()
    names = [f"i-{number}" for number in range(6)]
    for name in names:
        await sweeping.run(name, WorkflowStatus.TERMINATED)
    sweeping.notices.refused = "i-1"
    replica = sweeping.replica(looks=3)
    for _ in range(6):
        with suppress(ConnectionError):
            await replica.sweep()
    assert {told[0] for told in sweeping.notices.told} == {*names} - {"i-1"}


async def test_what_has_stalled_is_counted_and_not_announced() -> None:
    sweeping = Sweeping()
    await sweeping.run("i-1", WorkflowStatus.STALLED)
    replica = sweeping.replica()
    await replica.sweep()
    assert (replica.stalled, sweeping.notices.told) == ({"i-1"}, [])


async def test_a_sweep_looks_at_so_many_and_the_next_one_goes_on_from_there() -> None:
    sweeping = Sweeping()
    for number in range(10):
        await sweeping.run(f"i-{number}", WorkflowStatus.RUNNING)
    replica = sweeping.replica(looks=4)
    await replica.sweep()
    assert sweeping.engine.looks == 4
    for instance_id in sweeping.engine.states:
        sweeping.engine.states[instance_id] = WorkflowStatus.TERMINATED
    for sweep in (1, 2, 3):
        await replica.sweep()
        assert len(sweeping.notices.told) == min(sweep * 4, 10)


async def test_what_has_said_its_end_takes_no_look_from_what_has_not() -> None:
    sweeping = Sweeping()
    for number in range(10):
        await sweeping.run(f"a-{number}", WorkflowStatus.COMPLETED)
        ended = Ended(key=f"a-{number}", outcome="COMPLETED")
        await sweeping.world.ledger.end(f"a-{number}", ended)
    await sweeping.run("b-1", WorkflowStatus.TERMINATED)
    await sweeping.replica(looks=1).sweep()
    assert [told[0] for told in sweeping.notices.told] == ["b-1"]
    assert sweeping.engine.looks == 1


async def test_what_comes_new_waits_behind_those_that_were_looked_at_longest_ago() -> None:
    sweeping = Sweeping()
    for number in range(3):
        await sweeping.run(f"i-{number}", WorkflowStatus.RUNNING)
    replica = sweeping.replica(looks=2)
    await replica.sweep()
    await sweeping.run("a-new", WorkflowStatus.TERMINATED)
    await sweeping.run("i-2", WorkflowStatus.TERMINATED)
    await replica.sweep()
    assert [told[0] for told in sweeping.notices.told] == ["i-2"]
    await replica.sweep()
    await replica.sweep()
    assert [told[0] for told in sweeping.notices.told] == ["i-2", "a-new"]


async def test_what_has_come_since_the_last_sweep_is_left_to_end_by_itself() -> None:
    sweeping = Sweeping()
    replica = sweeping.replica()
    await replica.sweep()
    await sweeping.run("i-1", WorkflowStatus.RUNNING)
    await sweeping.run("i-2", WorkflowStatus.TERMINATED)
    await replica.sweep()
    assert sweeping.engine.looks == 0
    await replica.sweep()
    assert [told[0] for told in sweeping.notices.told] == ["i-2"]
    assert sweeping.engine.looks == 2


async def test_a_stalled_one_is_said_once() -> None:
    sweeping = Sweeping()
    await sweeping.run("i-1", WorkflowStatus.STALLED)
    replica = sweeping.replica()
    with structlog.testing.capture_logs() as logs:
        for _ in range(3):
            await replica.sweep()
    assert [log["event"] for log in logs] == ["stalled"]


async def test_what_has_not_ended_is_told_from_what_has() -> None:
    sweeping = Sweeping()
    await sweeping.run("i-1", WorkflowStatus.RUNNING)
    await sweeping.run("i-2", WorkflowStatus.TERMINATED)
    replica = sweeping.replica()
    await replica.sweep()
    assert replica.not_ended(["i-1", "i-2", "i-3"]) == {"i-1"}


async def test_a_stalled_one_is_counted_until_it_goes_on() -> None:
    sweeping = Sweeping()
    for number in range(3):
        await sweeping.run(f"i-{number}", WorkflowStatus.STALLED)
    replica = sweeping.replica(looks=2)
    counted = []
    for _ in range(2):
        await replica.sweep()
        counted.append(len(replica.stalled))
    sweeping.engine.states["i-1"] = WorkflowStatus.RUNNING
    await replica.sweep()
    assert [*counted, len(replica.stalled)] == [2, 3, 2]


async def test_a_run_that_is_being_saved_costs_only_its_own_look() -> None:
    sweeping = Sweeping()
    for name in ("i-1", "i-2", "i-3"):
        await sweeping.run(name, WorkflowStatus.TERMINATED)
    sweeping.engine.being_saved = "i-1"
    replica = sweeping.replica()
    await replica.sweep()
    assert [told[0] for told in sweeping.notices.told] == ["i-2", "i-3"]
    sweeping.engine.being_saved = None
    await replica.sweep()
    assert [told[0] for told in sweeping.notices.told] == ["i-2", "i-3", "i-1"]
