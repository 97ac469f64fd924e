"""Deciding what to do with an event: from the catalogue and the engine, changing neither."""

import json
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
from dapr.ext.workflow import WorkflowStatus

from contracts import identity
from contracts.cloudevent import CloudEvent
from contracts.commands import RaiseEvent, StartWorkflow
from contracts.events import Reason
from contracts.refusal import Refused
from contracts.topics import Topic
from orchestrator.authoring.catalogue import Catalogue
from orchestrator.engine.client import Engine
from orchestrator.intake.decider import Control, Decider, Decision, Deliver, Park, Start
from orchestrator.ledger.ledger import Ledger
from orchestrator.ledger.records import Ended
from orchestrator.ledger.store import Store
from tests.support.memory import MemoryStore

CATALOGUE = Catalogue.scan()
RUNNING = [WorkflowStatus.RUNNING, WorkflowStatus.PENDING, WorkflowStatus.SUSPENDED]
WAIT = timedelta(hours=1)
ENDED = [WorkflowStatus.COMPLETED, WorkflowStatus.FAILED, WorkflowStatus.TERMINATED]


class Instances:
    """The engine, which can be asked for the state of an instance, and for nothing else."""

    def __init__(self, states: dict[str, WorkflowStatus] | None = None) -> None:
        self._states = states or {}

    async def state(self, instance_id: str) -> Any:
        status = self._states.get(instance_id)
        return status and SimpleNamespace(runtime_status=status)


class Away:
    async def state(self, instance_id: str) -> Any:
        raise httpx.ConnectError(f"nobody knows of {instance_id}")


async def decide(
    command: dict[str, Any],
    engine: Instances | Away | None = None,
    event_id: str = "e-1",
    ended: dict[str, str] | None = None,
) -> Decision:
    """Decide on a ledger that is empty but for how these instances ended."""
    topic = Topic.EVENTS if {"event", "control"} & set(command) else Topic.REQUESTS
    event = CloudEvent(event_id, "/test", "t", json.dumps(command, ensure_ascii=False).encode())
    ledger = Ledger(cast(Store, MemoryStore()))
    for instance_id, outcome in (ended or {}).items():
        await ledger.end(instance_id, Ended(key="k", outcome=outcome))
    asked = cast(Engine, engine or Instances())
    return await Decider(CATALOGUE, asked, ledger, WAIT).decide(topic, event)


async def refused(
    command: dict[str, Any], engine: Instances | None = None, ended: dict[str, str] | None = None
) -> Refused:
    with pytest.raises(Refused) as found:
        await decide(command, engine, ended=ended)
    return found.value


async def test_a_start_carries_the_input_as_it_came() -> None:
    found = await decide({"workflow": "hello_workflow", "input": "Ada", "instance_id": "i-1"})
    assert found == Start("i-1", "hello_workflow", "Ada", derived=False)


async def test_an_instance_id_is_derived_from_the_event_where_none_is_given() -> None:
    command = StartWorkflow(workflow="hello_workflow")
    for event_id in ("e-1", "e-2"):
        found = await decide({"workflow": "hello_workflow"}, event_id=event_id)
        derived = identity.instance_to_start(command, "/test", event_id)
        assert found.instance_id == derived


async def test_an_unknown_workflow_is_refused_and_the_known_ones_are_told() -> None:
    found = await refused({"workflow": "helo_workflow"})
    assert (found.reason, found.field) == (Reason.UNKNOWN_WORKFLOW, "workflow")
    assert "hello_workflow" in found.message


async def test_an_input_that_does_not_fit_is_refused_before_anything_starts() -> None:
    found = await refused({"workflow": "hello_workflow", "input": {"nme": "Ada"}})
    assert (found.reason, found.field) == (Reason.INVALID_INPUT, "input.nme")


async def test_an_input_that_the_engine_would_not_take_is_oversize() -> None:
    found = await refused({"workflow": "hello_workflow", "input": "\N{GRINNING FACE}" * 225_000})
    assert (found.reason, found.field) == (Reason.OVERSIZE, "input")
    assert "2,700,002 bytes" in found.message


@pytest.mark.parametrize("status", RUNNING)
async def test_an_event_goes_to_an_instance_that_runs(status: WorkflowStatus) -> None:
    command = {"instance_id": "i-1", "event": "approval", "data": {"approved": True}}
    found = await decide(command, Instances({"i-1": status}))
    assert isinstance(found, Deliver)
    assert found == Deliver("i-1", found.state, RaiseEvent.model_validate(command), WAIT)


async def test_an_event_finds_by_key_what_was_started_by_key() -> None:
    engine = Instances({"approval_workflow-7": WorkflowStatus.RUNNING})
    command = {"workflow": "approval_workflow", "key": "7", "event": "approval"}
    found = await decide(command, engine)
    assert isinstance(found, Deliver)
    assert found.instance_id == "approval_workflow-7"


@pytest.mark.parametrize("status", ENDED)
async def test_an_event_for_an_instance_that_has_ended_is_refused(status: WorkflowStatus) -> None:
    engine = Instances({"i-1": status})
    found = await refused({"instance_id": "i-1", "event": "approval"}, engine)
    assert found.reason is Reason.INSTANCE_FINISHED
    assert status.name in found.message


async def test_an_event_waits_for_an_instance_that_is_not_there() -> None:
    command = {"instance_id": "i-1", "event": "approval"}
    assert await decide(command) == Park("i-1", timedelta(hours=1))
    assert await decide({**command, "ttl_seconds": 5}) == Park("i-1", timedelta(seconds=5))


@pytest.mark.parametrize("command", [{"event": "x", "ttl_seconds": 0}, {"control": "purge"}])
async def test_what_is_for_nobody_is_refused(command: dict[str, Any]) -> None:
    found = await refused({"instance_id": "i-1", **command})
    assert (found.reason, found.field) == (Reason.UNKNOWN_INSTANCE, "instance_id")


@pytest.mark.parametrize("control", ["terminate", "suspend", "resume"])
async def test_an_instance_is_steered_while_it_runs(control: str) -> None:
    command = {"instance_id": "i-1", "control": control, "reason": "enough"}
    engine = Instances({"i-1": WorkflowStatus.RUNNING})
    assert await decide(command, engine) == Control("i-1", control, "enough")
    engine = Instances({"i-1": WorkflowStatus.COMPLETED})
    assert (await refused(command, engine)).reason is Reason.INSTANCE_FINISHED


async def test_a_termination_that_comes_again_is_no_refusal() -> None:
    """Cut off between the deed and its note in the ledger, the same event is delivered again."""
    command = {"instance_id": "i-1", "control": "terminate"}
    engine = Instances({"i-1": WorkflowStatus.TERMINATED})
    assert await decide(command, engine) == Control("i-1", "terminate", None)


async def test_a_control_that_comes_again_after_the_purge_is_no_refusal() -> None:
    ended = {"i-1": "TERMINATED"}
    for control in ("purge", "terminate"):
        command = {"instance_id": "i-1", "control": control}
        assert await decide(command, ended=ended) == Control("i-1", control, None)
    found = await refused({"instance_id": "i-1", "control": "suspend"}, ended=ended)
    assert found.reason is Reason.INSTANCE_FINISHED


async def test_an_instance_is_purged_once_it_has_ended() -> None:
    command = {"instance_id": "i-1", "control": "purge"}
    ended = Instances({"i-1": WorkflowStatus.FAILED})
    assert await decide(command, ended) == Control("i-1", "purge", None)
    found = await refused(command, Instances({"i-1": WorkflowStatus.RUNNING}))
    assert (found.reason, found.field) == (Reason.INVALID_REQUEST, "control")


async def test_an_engine_that_is_away_is_no_refusal() -> None:
    with pytest.raises(httpx.ConnectError):
        await decide({"instance_id": "i-1", "event": "approval"}, Away())


async def test_an_event_for_a_stalled_instance_waits_and_a_control_does_not() -> None:
    stalled = Instances({"i-1": WorkflowStatus.STALLED})
    event = {"instance_id": "i-1", "event": "approval"}
    assert await decide(event, stalled) == Park("i-1", WAIT, "'i-1' is stalled")
    soon = await decide({**event, "ttl_seconds": 5}, stalled)
    assert soon == Park("i-1", timedelta(seconds=5), "'i-1' is stalled")
    at_once = await refused({**event, "ttl_seconds": 0}, stalled)
    assert at_once.reason is Reason.INSTANCE_STALLED
    for control in ("suspend", "resume"):
        found = await refused({"instance_id": "i-1", "control": control}, stalled)
        assert found.reason is Reason.INSTANCE_STALLED
    ends = {"instance_id": "i-1", "control": "terminate"}
    assert await decide(ends, stalled) == Control("i-1", "terminate", None)


@pytest.mark.parametrize("instance_id", ["usher_expire-x", f"usher_expire-{24 * 'a'}-1"])
@pytest.mark.parametrize(
    "command", [{"workflow": "hello_workflow"}, {"event": "e"}, {"control": "terminate"}]
)
async def test_ids_of_our_own_runs_are_refused(command: Any, instance_id: str) -> None:
    found = await refused({**command, "instance_id": instance_id})
    assert (found.reason, found.field) == (Reason.INVALID_INSTANCE_ID, "instance_id")


async def test_an_id_that_only_begins_like_ours_is_anybodys() -> None:
    command = {"workflow": "hello_workflow", "instance_id": "usher_expired_orders-7"}
    assert (await decide(command)).instance_id == "usher_expired_orders-7"
    assert not identity.is_own_run("usher_expired_orders-7")
    assert identity.is_own_run(identity.own_run_id(24 * "a", 12))
