"""What an author may call a child, and what an author's exception may do when it is looked at."""

import json
from typing import Any, cast

import pytest
from dapr.ext.workflow import WorkflowStatus, when_all
from dapr.ext.workflow._durabletask.internal import helpers
from dapr.ext.workflow._durabletask.internal import protos as pb
from pydantic import BaseModel, field_validator

from contracts.authoring import WorkflowTag
from contracts.cloudevent import CloudEvent
from contracts.identity import event_key
from contracts.topics import Topic
from orchestrator.engine.client import Engine
from orchestrator.engine.envelope import Cause
from orchestrator.runs.child_workflows import CLAIMED_FIRST, ChildIds
from orchestrator.runs.failures import causes, failure, guarded
from tests.support.ear import Ear
from tests.support.memory import MemoryEngine, World
from tests.support.turns import Turns

CAUSE = Cause(event_id="start", key="k")


@pytest.mark.parametrize(
    ("instance_id", "said"),
    [
        ("a||b", "use 1 to 256 letters"),
        ("a/b", "use 1 to 256 letters"),
        ("", "use 1 to 256 letters"),
        ("x" * 300, "use 1 to 256 letters"),
        ("i-1", "the parent's own"),
        ("usher_expire-x", "Usher's own"),
    ],
)
def test_an_id_that_no_child_can_have_fails_the_call(instance_id: str, said: str) -> None:
    def author(ctx: Any) -> Any:
        yield ctx.call_child_workflow("child", instance_id=instance_id)

    assert said in ended(author)["message"]


def test_a_name_that_is_too_long_fails_the_call() -> None:
    def author(ctx: Any) -> Any:
        yield ctx.call_activity("x" * 2_000_000)

    assert "more than 1000 characters" in ended(author)["message"]


def ended(author: Any) -> dict[str, Any]:
    ear = Ear()
    Turns(author, WorkflowTag(), ear, CAUSE).turn()
    error: dict[str, Any] = ear.notice["error"]
    return error


def kinds(actions: list[Any]) -> list[str]:
    return [action.WhichOneof("workflowActionType") for action in actions]


def named(ctx: Any) -> Any:
    return (yield ctx.call_child_workflow("child", instance_id="c-1", input="x"))


PATCHES = (CLAIMED_FIRST,)


def test_a_child_is_scheduled_once_its_id_is_claimed() -> None:
    ear = Ear()
    turns = Turns(named, WorkflowTag(), ear, CAUSE)
    (claim,) = turns.turn(patches=PATCHES)
    assert claim.scheduleTask.name == "claim_child"
    assert json.loads(claim.scheduleTask.input.value) == {"instance_id": "c-1", "parent": "i-1"}
    (child,) = turns.turn(helpers.new_task_completed_event(claim.id, "null"))
    assert (child.createChildWorkflow.name, child.createChildWorkflow.instanceId) == (
        "child",
        "c-1",
    )
    done = helpers.new_child_workflow_completed_event(child.id, '"done"')
    assert kinds(turns.turn(done)) == ["completeWorkflow"]
    assert ear.notice["output"] == "done"


@pytest.mark.parametrize(("depth", "stored"), [(0, 7), (3, {"$usher": {"depth": 3}, "input": 7})])
def test_a_child_carries_the_depth_of_its_parent(depth: int, stored: Any) -> None:
    def author(ctx: Any) -> Any:
        yield ctx.call_child_workflow("child", input=7)

    (child,) = Turns(author, WorkflowTag(), Ear(), Cause(key="k", depth=depth)).turn()
    assert json.loads(child.createChildWorkflow.input.value) == stored


def test_a_child_of_another_app_gets_its_input_alone() -> None:
    def author(ctx: Any) -> Any:
        yield ctx.call_child_workflow("child", input=7, app_id="other")

    (child,) = Turns(author, WorkflowTag(), Ear(), Cause(key="k", depth=3)).turn()
    assert json.loads(child.createChildWorkflow.input.value) == 7


def test_a_child_whose_id_is_taken_fails_and_is_not_scheduled() -> None:
    ear = Ear()
    turns = Turns(named, WorkflowTag(), ear, CAUSE)
    (claim,) = turns.turn(patches=PATCHES)
    told = helpers.new_task_completed_event(claim.id, '"it is taken"')
    assert kinds(turns.turn(told)) == ["completeWorkflow"]
    assert (
        ear.notice["error"]["message"] == "child workflow child failed: InstanceExists: it is taken"
    )


def test_a_run_from_before_ids_were_claimed_replays() -> None:
    ear = Ear()
    turns = Turns(named, WorkflowTag(), ear, CAUSE)
    began = helpers.new_workflow_started_event(turns.now)
    child = pb.ChildWorkflowInstanceCreatedEvent(name="child", instanceId="c-1")
    turns._history = [
        began,
        *turns._told,
        pb.HistoryEvent(eventId=1, childWorkflowInstanceCreated=child),
    ]
    turns._told = []
    done = helpers.new_child_workflow_completed_event(1, '"done"')
    assert kinds(turns.turn(done)) == ["completeWorkflow"]
    assert ear.notice["output"] == "done"


def test_several_children_are_claimed_at_once_and_one_that_fails_is_told() -> None:
    def author(ctx: Any) -> Any:
        called = [ctx.call_child_workflow("child", instance_id=f"c-{n}") for n in range(2)]
        return (yield when_all(called))

    ear = Ear()
    turns = Turns(author, WorkflowTag(), ear, CAUSE)
    claims = turns.turn(patches=PATCHES)
    assert kinds(claims) == ["scheduleTask"] * 2
    (second,) = turns.turn(helpers.new_task_completed_event(claims[1].id, "null"))
    (first,) = turns.turn(helpers.new_task_completed_event(claims[0].id, "null"))
    turns.turn(helpers.new_child_workflow_completed_event(second.id, '"b"'))
    assert kinds(turns.turn(helpers.new_child_workflow_completed_event(first.id, '"a"'))) == [
        "completeWorkflow"
    ]
    assert ear.notice["output"] == ["a", "b"]


async def test_a_child_has_its_id_for_itself() -> None:
    world = World(MemoryEngine({"past-usher": WorkflowStatus.COMPLETED}))
    claim = ChildIds(world.ledger, cast(Engine, world.engine)).claim
    for _ in range(2):
        assert await claim("c-1", "p-1") is None
    assert "taken" in str(await claim("c-1", "p-2"))
    assert "taken" in str(await claim("past-usher", "p-1"))
    assert "the engine names" in str(await claim("p-9:0001", "p-1"))
    key = event_key("/test", "e")
    assert "derives" in str(await claim(f"w-ce-{key}", "p-1"))
    parent = f"w-ce-{key}"
    assert await claim(f"pay-{parent}", parent) is None
    event = CloudEvent("e", "/test", "t", b'{"workflow": "hello_workflow"}')
    await world.serve(Topic.REQUESTS, event)
    started = f"hello_workflow-ce-{key}"
    assert "derives" in str(await claim(started, "p-1"))
    assert await claim(f"bill-{started}", "p-1") is None
    assert await world.ledger.holder(f"bill-{started}") != await world.ledger.holder(started)


async def test_a_start_does_not_take_the_id_of_a_child() -> None:
    world = World()
    await ChildIds(world.ledger, cast(Engine, world.engine)).claim("c-1", "p-1")
    command = b'{"workflow": "hello_workflow", "instance_id": "c-1"}'
    outcome = await world.serve(Topic.REQUESTS, CloudEvent("e", "/test", "t", command))
    assert outcome.refusal
    assert "by a child workflow" in outcome.refusal.message


class Exits(Exception):
    def __str__(self) -> str:
        raise SystemExit(7)


class Odd(Exception):
    def __eq__(self, _: object) -> bool:
        raise SystemExit(8)

    def __bool__(self) -> bool:
        raise SystemExit(9)

    __hash__ = Exception.__hash__


class Poisoned(BaseModel):
    x: int

    @field_validator("x", mode="before")
    @classmethod
    def _refuse(cls, _: Any) -> int:
        raise Exits


def test_an_exception_whose_text_exits_is_raised_as_one_with_a_text() -> None:
    with pytest.raises(Exception, match="its __str__ raised SystemExit") as caught:
        guarded(Poisoned.model_validate, {"x": 1})
    assert type(caught.value).__name__ == "Exits"


def test_a_cause_that_compares_by_itself_is_told_from_others() -> None:
    error = ValueError("no")
    error.__cause__ = Odd("odd")
    assert [type(one) for one in causes(error)] == [Odd]
    assert str(failure(error)) == "no"
    assert json.dumps(str(helpers.new_failure_details(failure(Odd("odd")))))
