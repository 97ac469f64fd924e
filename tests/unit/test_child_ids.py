"""What an author may call a child, and what an author's exception may do when it is looked at."""

import json
from typing import Any

import pytest
from dapr.ext.workflow._durabletask.internal import helpers
from pydantic import BaseModel, field_validator

from orchestrator.envelope import Cause
from orchestrator.failures import causes, failure, guarded
from orchestrator.registry import WorkflowTag
from tests.support.ear import Ear
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
