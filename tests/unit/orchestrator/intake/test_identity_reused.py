"""Two events of one source and id that ask for different things: neither is taken for the other."""

import json
from typing import Any

import pytest
from dapr.ext.workflow import WorkflowStatus

from chassis.topic_server import RETRY, SUCCESS
from contracts import redrive
from contracts.cloudevent import CloudEvent
from contracts.digest import command_digest
from contracts.entry import read_entry
from contracts.events import Reason
from contracts.letters import letter_id, reused_id
from contracts.topics import Topic
from orchestrator.ledger.records import Entry
from tests.support.answers import dead_letter
from tests.support.memory import Crash, MemoryEngine, World, nothing
from tests.support.sidecar import raw_delivery
from tests.unit.protocol.test_protocol_crashes import age

START = {"workflow": "hello_workflow", "input": "Ada", "instance_id": "i-1"}
EVENT = {"instance_id": "i-1", "event": "tick", "data": 1}


def event(data: Any, event_id: str = "order-7", **attributes: Any) -> CloudEvent:
    body = data if isinstance(data, bytes) else json.dumps(data).encode()
    return CloudEvent(event_id, "/test", "t", body, attributes=attributes)


async def deliver(world: World, topic: Topic, one: CloudEvent) -> Any:
    take = world.inbox.on_request if topic is Topic.REQUESTS else world.inbox.on_event
    return await take(
        raw_delivery(one.body, id=one.id, source=one.source, extensions=dict(one.attributes))
    )


async def entry(world: World) -> Entry:
    held = await world.ledger.find("/test", "order-7")
    assert held
    return held


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (b'{"workflow": "w", "input": 1}', b'{ "input": 1.0, "workflow": "w" }'),
        (b'{"workflow": "w", "input": 1e23}', b'{"workflow": "w", "input": 1%s}' % (b"0" * 23)),
        (b'{"workflow": "w", "key": "7"}', b'{"workflow": "w", "instance_id": "w-7"}'),
        (b'{"workflow": "w"}', b'{"workflow": "w", "input": null, "later": true}'),
        (b'{"instance_id": "i", "event": "e"}', b'{"event": "e", "instance_id": "i"}'),
        ('{"workflow": "w", "input": "é"}'.encode(), rb'{"workflow": "w", "input": "\u00e9"}'),
    ],
)
def test_a_command_written_otherwise_is_the_same(one: bytes, other: bytes) -> None:
    assert command_digest(event(one)) == command_digest(event(other))


@pytest.mark.parametrize(
    "other",
    [
        {**START, "input": "Grace"},
        {**START, "instance_id": "i-2"},
        {**START, "workflow": "fail_workflow"},
        {"workflow": "hello_workflow", "input": "Ada"},
        {"instance_id": "i-1", "event": "tick"},
        {"instance_id": "i-1", "control": "purge"},
        {"nothing": 1},
        b"not json",
    ],
)
def test_another_command_has_another_digest(other: Any) -> None:
    assert command_digest(event(START)) != command_digest(event(other))


@pytest.mark.parametrize("body", [b"not json", b'{"a": 1, "a": 2}', b"\xff", b'{"no": "command"}'])
def test_what_carries_no_command_is_the_same_when_it_is_redriven(body: bytes) -> None:
    one = event(body)
    letter = dead_letter(reason="invalid_json", event=one.original())
    again = read_entry(redrive.cloudevent(letter))
    assert command_digest(again) == command_digest(one)


@pytest.mark.parametrize(
    ("topic", "other"),
    [
        (Topic.EVENTS, EVENT),
        (Topic.EVENTS, {"instance_id": "i-1", "control": "terminate"}),
        (Topic.REQUESTS, {**START, "input": "Grace"}),
        (Topic.REQUESTS, {"workflow": "no_such_workflow"}),
        (Topic.REQUESTS, b"not json"),
    ],
)
async def test_another_event_of_that_identity_is_put_aside_once_and_the_first_is_untouched(
    topic: Topic, other: Any
) -> None:
    world = World()
    await deliver(world, Topic.REQUESTS, event(START))
    before = await entry(world)
    for _ in range(2):
        assert await deliver(world, topic, event(other)) is SUCCESS
    assert world.outbox.reasons == [Reason.IDENTITY_REUSED]
    after = await entry(world)
    assert after.others == [command_digest(event(other))]
    assert after == before.model_copy(update={"others": after.others, "duplicates": 1})
    assert (world.engine.executions, world.engine.received) == (["i-1"], {})


async def test_another_event_for_a_parked_one_leaves_it_parked() -> None:
    world = World()
    await deliver(world, Topic.EVENTS, event(EVENT))
    await deliver(world, Topic.EVENTS, event({**EVENT, "data": 2}))
    await deliver(world, Topic.REQUESTS, event(START, "s-1"))
    assert world.outbox.reasons == [Reason.IDENTITY_REUSED]
    assert [one["data"] for one in world.engine.received["i-1"]] == [1]


async def test_a_start_that_is_being_served_keeps_its_claim() -> None:
    world = World()
    world.store.crash_after = 1
    with pytest.raises(Crash):
        await deliver(world, Topic.REQUESTS, event(START))
    assert await deliver(world, Topic.EVENTS, event(EVENT)) is SUCCESS
    await age(world)
    await deliver(world, Topic.REQUESTS, event(START))
    assert (world.engine.executions, world.outbox.reasons) == (["i-1"], [Reason.IDENTITY_REUSED])


async def test_an_entry_of_an_earlier_version_is_of_any_event() -> None:
    world = World()
    await deliver(world, Topic.REQUESTS, event(START))
    key = f"event-{(await entry(world)).key}"
    record, version = world.store.records[key]
    del record["command"]
    world.store.records[key] = record, version
    await deliver(world, Topic.REQUESTS, event({**START, "input": "Grace"}))
    assert world.outbox.letters == []
    assert (await entry(world)).duplicates == 1


@pytest.mark.parametrize("write", [1, 2])
async def test_a_crash_while_it_is_put_aside_makes_no_second_letter(write: int) -> None:
    world = World()
    await deliver(world, Topic.REQUESTS, event(START))
    world.store.crash_after, world.store.crash_before = 1, write == 1
    with pytest.raises(Crash):
        await deliver(world, Topic.EVENTS, event(EVENT))
    await deliver(world, Topic.EVENTS, event(EVENT))
    assert {reused_id(topic, one) for topic, one, _ in world.outbox.letters} == {
        reused_id(Topic.EVENTS, event(EVENT))
    }


def test_each_other_event_has_a_letter_of_its_own_and_is_redriven_under_its_id() -> None:
    first, second = event(EVENT), event({**EVENT, "data": 2})
    ids = {letter_id(Topic.EVENTS, first), reused_id(Topic.EVENTS, first)}
    assert len(ids | {reused_id(Topic.EVENTS, second)}) == 3
    letter = dead_letter(
        id=reused_id(Topic.EVENTS, second),
        reason=Reason.IDENTITY_REUSED,
        event=second.original(),
    )
    again = read_entry(redrive.cloudevent(letter))
    assert (again.id, again.source) == (letter.id, "/test")
    assert command_digest(again) == command_digest(second)


async def test_a_claim_that_is_refused_since_is_put_aside_once_its_lease_is_over() -> None:
    world = World()
    world.store.crash_after = 1
    with pytest.raises(Crash):
        await deliver(world, Topic.REQUESTS, event(START))
    workflows = world.facts._workflows
    world.facts._workflows = {}
    assert await deliver(world, Topic.REQUESTS, event(START)) is RETRY
    await age(world)
    assert await deliver(world, Topic.REQUESTS, event(START)) is SUCCESS
    assert world.outbox.reasons == [Reason.UNKNOWN_WORKFLOW]
    assert (await entry(world)).disposition == "dead_lettered"
    world.facts._workflows = workflows
    assert await deliver(world, Topic.REQUESTS, event(START, redrive="1")) is SUCCESS
    assert world.engine.executions == ["i-1"]


def test_an_event_with_odd_attributes_is_redriven_without_those_that_no_door_takes() -> None:
    odd: dict[str, Any] = {
        "myExtension": "x",
        "my-ext": 1,
        "ratio": 0.5,
        "sequence": {"a": 1},
        "subject": "s",
    }
    letter = dead_letter(event=event(EVENT, **odd, big=10**400).original())
    again = CloudEvent.from_dict(json.loads(redrive.cloudevent(letter)))
    kept = {"ratio": "0.5", "sequence": '{"a": 1}', "subject": "s", "big": 10**400}
    assert again.attributes == {**kept, "redrive": "1"}


async def test_two_of_one_identity_at_once_leave_the_first_entry_and_a_letter_that_says_so() -> (
    None
):
    world = World(MemoryEngine({"i-1": WorkflowStatus.RUNNING}))

    async def come_between() -> None:
        world.engine.gate = nothing
        await deliver(world, Topic.REQUESTS, event({**START, "instance_id": "i-2"}))

    world.engine.gate = come_between
    assert await deliver(world, Topic.EVENTS, event(EVENT)) is SUCCESS
    assert world.outbox.reasons == [Reason.IDENTITY_REUSED]
    assert "may have been served" in world.outbox.letters[0][2].message
    assert ((await entry(world)).disposition, world.engine.executions) == ("started", ["i-2"])
