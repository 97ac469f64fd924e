"""An instance that the engine cannot read: its starts and events end visibly, and are not lost."""

import json
from datetime import UTC, datetime
from typing import Any, cast

import grpc
import pytest
from dapr.ext.workflow import WorkflowStatus
from dapr.ext.workflow.aio import DaprWorkflowClient

from contracts.cloudevent import CloudEvent
from contracts.events import Reason
from contracts.topics import Topic
from orchestrator.engine.client import Engine
from orchestrator.engine.state import Unreadable
from orchestrator.ledger.records import Disposition, Ended
from orchestrator.ledger.store import Busy
from orchestrator.outbox import Outbox
from orchestrator.runs.announcer import Announcer
from tests.support.memory import CATALOGUE, MemoryEngine, MemoryOutbox, World
from tests.support.sidecar import CallFailed
from tests.unit.protocol.test_protocol_crashes import age

SAID = "failed to unmarshal workflow metadata"


class Broken(MemoryEngine):
    """An engine that cannot read the instance `i-1`."""

    async def state(self, instance_id: str) -> Any:
        return Unreadable(instance_id, SAID) if instance_id == "i-1" else None

    async def schedule(self, *_: Any) -> bool:
        raise CallFailed(grpc.StatusCode.UNKNOWN, SAID)


def event(**data: Any) -> CloudEvent:
    return CloudEvent("e-1", "/test", "t", json.dumps(data).encode())


START = event(workflow="hello_workflow", input="Ada", instance_id="i-1")


async def test_a_start_is_tried_again_for_a_while_and_then_put_aside() -> None:
    world = World(Broken())
    with pytest.raises(CallFailed):
        await world.serve(Topic.REQUESTS, START)
    with pytest.raises(Busy):
        await world.serve(Topic.REQUESTS, START)
    await age(world)
    outcome = await world.serve(Topic.REQUESTS, START)
    assert outcome.refusal
    assert outcome.refusal.reason is Reason.HANDLER_ERROR
    assert outcome.disposition is Disposition.DEAD_LETTERED
    assert world.outbox.reasons == [Reason.HANDLER_ERROR]


async def test_a_start_of_an_active_id_that_cannot_be_read_is_not_taken_for_anothers() -> None:
    class Active(Broken):
        async def schedule(self, *_: Any) -> bool:
            return False

    with pytest.raises(Busy):
        await World(Active()).serve(Topic.REQUESTS, START)


@pytest.mark.parametrize("unreadable", [True, False])
async def test_an_event_that_no_run_can_read_is_parked_and_not_delivered(unreadable: bool) -> None:
    engine = Broken() if unreadable else MemoryEngine({"i-1": WorkflowStatus.PENDING}, {"i-1": ""})
    world = World(engine)
    approval = event(event="approval", instance_id="i-1")
    became = (await world.serve(Topic.EVENTS, approval)).disposition
    await world.parking.drain("i-1")
    assert (became, engine.received) == (Disposition.PARKED, {})
    entry = await world.ledger.find("/test", "e-1")
    assert entry
    assert ("cannot read it" if unreadable else "has made no turn") in (entry.why or "")


async def test_an_event_for_a_run_that_ended_before_it_became_unreadable_is_refused() -> None:
    world = World(Broken())
    approval = event(event="approval", instance_id="i-1")
    assert (await world.serve(Topic.EVENTS, approval)).disposition is Disposition.PARKED
    await world.ledger.end("i-1", Ended(key="k", outcome="COMPLETED"))
    await world.parking.drain("i-1")
    assert world.outbox.reasons == [Reason.INSTANCE_FINISHED]


@pytest.mark.parametrize("unreadable", [True, False])
async def test_a_broken_run_of_ours_does_not_keep_an_event_from_being_parked(
    unreadable: bool,
) -> None:
    class Client:
        async def schedule_new_workflow(self, *_: Any, **__: Any) -> None:
            raise CallFailed(grpc.StatusCode.UNKNOWN, SAID)

        async def get_workflow_state(self, instance_id: str) -> None:
            if instance_id.startswith("usher_expire") or not unreadable:
                raise CallFailed(grpc.StatusCode.UNKNOWN, SAID)

    engine = Engine(cast(DaprWorkflowClient, Client()), cast(Any, None))
    asked = engine.schedule_at("usher_expire", "k", "usher_expire-k-1", datetime.now(UTC))
    if unreadable:
        await asked
    else:
        with pytest.raises(CallFailed):
            await asked


async def test_one_that_cannot_be_read_is_not_said_to_be_stalled() -> None:
    ledger, outbox = World().ledger, cast(Outbox, MemoryOutbox())
    announcer = Announcer(CATALOGUE.workflows, cast(Engine, Broken()), ledger, outbox)
    assert await announcer.announce_ended("i-1") is WorkflowStatus.UNKNOWN
