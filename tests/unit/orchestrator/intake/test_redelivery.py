"""One instance that takes nothing holds up nobody: its events wait beside the topic, and go on."""

import asyncio
import json
from datetime import timedelta
from typing import Any, cast

import grpc
import pytest
from dapr.ext.workflow import WorkflowStatus

from chassis.topic_server import SUCCESS
from contracts.cloudevent import CloudEvent
from contracts.events import Reason
from contracts.topics import Topic
from orchestrator.engine import instance_call
from orchestrator.engine.client import Engine, Stalled
from orchestrator.engine.envelope import unseal_event
from orchestrator.intake.redelivery import OVERDUE, Redelivery
from orchestrator.ledger.parked_lists import ParkedLists
from orchestrator.ledger.records import Disposition
from tests.support.memory import MemoryEngine, World
from tests.support.sidecar import CallFailed

RUNNING = WorkflowStatus.RUNNING
STALLED = WorkflowStatus.STALLED


class Instances(MemoryEngine):
    """Two instances, of which one takes nothing while `error` is set."""

    def __init__(self) -> None:
        super().__init__({"bad": RUNNING, "good": RUNNING})
        self.error: Exception | None = Stalled("'bad' is stalled")

    async def raise_event(self, instance_id: str, name: str, data: Any) -> None:
        if instance_id == "bad" and self.error:
            raise self.error
        await super().raise_event(instance_id, name, data)

    async def terminate(self, instance_id: str, reason: str | None) -> None:
        if instance_id == "bad" and self.error:
            raise self.error
        await super().terminate(instance_id, reason)


def event(event_id: str, instance_id: str, **command: Any) -> CloudEvent:
    body = json.dumps({"instance_id": instance_id, **(command or {"event": "tick"})})
    return CloudEvent(event_id, "/test", "t", body.encode())


async def serve(world: World, one: CloudEvent) -> Disposition:
    return (await world.serve(Topic.EVENTS, one)).disposition


async def tried(world: World) -> None:
    """Let every held instance be tried once."""
    redelivery = Redelivery(world.parking, world.held_starts, cast(Engine, world.engine))
    await redelivery.look()
    await asyncio.gather(*redelivery._tries.values())


async def is_empty(world: World, instance_id: str) -> bool:
    return not (await ParkedLists(world.store).read(instance_id))[0]


def received(world: World, instance_id: str) -> list[str | None]:
    return [unseal_event(one)[0] for one in world.engine.received.get(instance_id, [])]


NEVER = [
    Stalled("'bad' is stalled"),
    CallFailed(grpc.StatusCode.UNKNOWN, "cannot read its state"),
    CallFailed(grpc.StatusCode.DEADLINE_EXCEEDED),
    TimeoutError(),
]


@pytest.mark.parametrize("error", NEVER, ids=str)
async def test_what_one_instance_does_not_take_waits_in_order_and_others_are_served(
    error: Exception,
) -> None:
    engine = Instances()
    engine.error = error
    world = World(engine)
    assert await serve(world, event("e-1", "bad")) is Disposition.PARKED
    assert await serve(world, event("e-2", "bad")) is Disposition.PARKED
    assert await serve(world, event("e-3", "good")) is Disposition.DELIVERED
    await tried(world)
    assert received(world, "bad") == []
    engine.error = None
    assert await serve(world, event("e-4", "bad")) is Disposition.PARKED
    await tried(world)
    keys = [entry.key for entry in await entries(world, "e-1", "e-2", "e-4")]
    assert received(world, "bad") == keys
    assert {one.disposition for one in await entries(world, "e-1", "e-2", "e-4")} == {"delivered"}


async def entries(world: World, *event_ids: str) -> list[Any]:
    found = [await world.ledger.find("/test", one) for one in event_ids]
    assert all(found)
    return found


@pytest.mark.parametrize("error", NEVER[1:], ids=str)
async def test_an_engine_that_is_away_is_waited_for(error: Exception) -> None:
    engine = Instances()
    engine.error, engine.well = error, False
    world = World(engine)
    with pytest.raises(type(error)):
        await serve(world, event("e-1", "bad"))
    assert await is_empty(world, "bad")


async def test_a_call_that_does_not_return_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    class Blocked(Instances):
        async def raise_event(self, *_: Any) -> None:
            await asyncio.Event().wait()

    monkeypatch.setattr(instance_call, "PATIENCE", (0.01, 0.01))
    world = World(Blocked())
    assert await serve(world, event("e-1", "bad")) is Disposition.PARKED
    (entry,) = await entries(world, "e-1")
    assert "a turn of its workflow has not returned" in entry.why


async def test_an_event_that_its_instance_never_takes_expires_with_the_reason() -> None:
    world = World(Instances())
    await serve(world, event("e-1", "bad", event="tick", ttl_seconds=5))
    await serve(world, event("e-2", "bad"))
    (first, second) = await entries(world, "e-1", "e-2")
    for entry in (first, second):
        await world.parking.expire(entry.key)
    assert world.outbox.reasons == [Reason.INSTANCE_STALLED] * 2
    assert "is stalled" in world.outbox.letters[0][2].message
    assert await is_empty(world, "bad")


async def test_an_event_that_may_not_wait_says_at_once_that_its_instance_is_stalled() -> None:
    world = World(Instances())
    at_once = event("e-1", "bad", event="tick", ttl_seconds=0).to_json()
    assert await world.inbox.on_event(at_once) == SUCCESS
    assert world.outbox.reasons == [Reason.INSTANCE_STALLED]


async def test_a_control_that_is_not_taken_waits_and_is_carried_out() -> None:
    engine = Instances()
    engine.error = CallFailed(grpc.StatusCode.DEADLINE_EXCEEDED)
    world = World(engine)
    terminate = event("e-1", "bad", control="terminate")
    assert await serve(world, terminate) is Disposition.PARKED
    engine.error = None
    await tried(world)
    assert await world.disposition(terminate) == "controlled"
    assert engine.states["bad"] is WorkflowStatus.TERMINATED


async def test_a_terminate_behind_an_event_that_is_never_taken_is_carried_out() -> None:
    """Such as an instance that the engine cannot read, or whose turn does not return."""
    engine = Instances()
    engine.error = CallFailed(grpc.StatusCode.UNKNOWN, "cannot read its state")
    world = World(engine)
    tick, terminate = event("e-1", "bad"), event("e-2", "bad", control="terminate")
    for one in (tick, event("e-3", "bad"), terminate):
        assert await serve(world, one) is Disposition.PARKED

    async def ends(instance_id: str, _: str | None) -> None:
        engine.states[instance_id], engine.error = WorkflowStatus.TERMINATED, None

    engine.terminate = ends  # type: ignore[assignment]
    await tried(world)
    assert await world.disposition(terminate) == "controlled"
    assert await world.disposition(tick) == "parked"
    await tried(world)
    assert await world.disposition(tick) == "dead_lettered"
    assert await is_empty(world, "bad")


async def test_after_a_restart_what_is_parked_for_an_instance_that_is_there_is_found() -> None:
    engine = Instances()
    world = World(engine)
    await serve(world, event("e-1", "bad"))
    await serve(world, event("e-2", "nobody"))
    world.parking.unresponsive.ids.clear()
    engine.error = None
    redelivery = Redelivery(world.parking, world.held_starts, cast(Engine, engine))
    await redelivery.find(await world.parking.waiting(engine.timers))
    assert world.parking.unresponsive.ids == {"bad"}
    await tried(world)
    assert await world.disposition(event("e-1", "bad")) == "delivered"
    assert await world.disposition(event("e-2", "nobody")) == "parked"


async def test_an_event_whose_own_run_failed_expires_all_the_same() -> None:
    world = World()
    await serve(world, event("e-1", "nobody"))
    (entry,) = await entries(world, "e-1")
    late = entry.model_copy(update={"until": entry.at - OVERDUE - timedelta(seconds=1)})
    await Redelivery(world.parking, world.held_starts, cast(Engine, world.engine)).find([late])
    assert world.outbox.reasons == [Reason.EXPIRED]


async def test_a_failed_try_is_made_again_later_each_time() -> None:
    now = 0.0
    world = World(Instances())
    await serve(world, event("e-1", "bad"))
    redelivery = Redelivery(
        world.parking, world.held_starts, cast(Engine, world.engine), lambda: now
    )
    times = []
    for second in range(120):
        now = float(second)
        await redelivery.look()
        if redelivery._tries:
            times.append(second)
            await asyncio.gather(*redelivery._tries.values())
    assert times == [0, 2, 6, 14, 30, 60, 90]


async def test_the_more_instances_do_not_answer_the_less_others_wait_for_them() -> None:
    world = World(Instances())
    cast(Instances, world.engine).error = CallFailed(grpc.StatusCode.DEADLINE_EXCEEDED)
    alone = world.parking.unresponsive.patience("good")
    await serve(world, event("e-1", "bad"))
    assert (
        world.parking.unresponsive.patience("bad")
        < world.parking.unresponsive.patience("good")
        < alone
    )
    cast(Instances, world.engine).error = None
    await tried(world)
    assert (
        world.parking.unresponsive.patience("bad")
        == world.parking.unresponsive.patience("good")
        == alone
    )


async def test_a_large_event_that_waited_is_as_large_as_it_came() -> None:
    world = World(Instances())
    large = event("e-1", "bad", event="tick", data="\N{GRINNING FACE}" * 200_000)
    utf8 = CloudEvent(
        "e-1", "/test", "t", json.dumps(json.loads(large.body), ensure_ascii=False).encode()
    )
    await serve(world, utf8)
    cast(Instances, world.engine).error = None
    await tried(world)
    assert await world.disposition(utf8) == "delivered"
