"""Whatever an author's code raises or yields ends that run alone, visibly, and is announced."""

from functools import partial
from typing import Any

import pytest

from tests.support.driver import Document, Driver, eventually, fresh

EXITS = ["SystemExit", "KeyboardInterrupt", "GeneratorExit", "CancelledError", "BaseExceptionGroup"]
OTHERS = ["ValueError", "Speechless", "AssertionError", "StopAsyncIteration", "RecursionError"]
ODD = ["LookupError", "Größe", "NoTask"]


def others_are_served(usher: Driver) -> None:
    """See that a healthy run, of an activity and all, is served."""
    healthy = fresh("healthy")
    usher.request("hello_workflow", input="Ada", instance_id=healthy)
    assert usher.notice(healthy, seconds=20)["outcome"] == "COMPLETED"


def all_run(usher: Driver, workflow: str, inputs: list[Any]) -> list[Document]:
    """Start them all, and return what was announced; a healthy run is served after them."""
    ids = [fresh("bad") for _ in inputs]
    for instance_id, given in zip(ids, inputs, strict=True):
        usher.request(workflow, input=given, instance_id=instance_id)
    others_are_served(usher)
    notices = [usher.notice(instance_id) for instance_id in ids]
    for instance_id, notice in zip(ids, notices, strict=True):
        # The run says it itself, so before the engine has it.
        eventually(partial(usher.status, instance_id), notice["outcome"].__eq__)
    return notices


@pytest.mark.parametrize("where", ["activity", "async"])
def test_what_an_activity_raises_fails_the_run_by_its_type_and_the_activity(
    usher: Driver, where: str
) -> None:
    kinds = [*EXITS, *OTHERS, *ODD] + (["LastOfAll"] if where == "activity" else [])
    inputs = [{"what": kind, "where": where} for kind in kinds]
    name = "raising_activity" if where == "activity" else "raising_async_activity"
    for kind, notice in zip(kinds, all_run(usher, "raising_workflow", inputs), strict=True):
        error = notice["error"]
        assert (notice["outcome"], error["type"]) == ("FAILED", "TaskFailedError")
        assert error["message"].startswith(f"activity {name} failed: {kind}")
        assert (error["activity"], error["cause_type"]) == (name, kind)
        assert len(error["message"]) < 20_000
        shown = usher.get("starter", f"/status/{notice['instance_id']}")["error"]
        assert shown == {"type": error["type"], "message": error["message"]}


@pytest.mark.parametrize("where", ["first", "later", "finally"])
def test_what_a_workflow_raises_fails_the_run_by_its_type(usher: Driver, where: str) -> None:
    kinds = [*EXITS, *OTHERS, *ODD]
    inputs = [{"what": kind, "where": where} for kind in kinds]
    for kind, notice in zip(kinds, all_run(usher, "raising_workflow", inputs), strict=True):
        assert (notice["outcome"], notice["error"]["type"]) == ("FAILED", kind)
        assert notice["error"]["message"]
        assert len(notice["error"]["message"]) < 20_000


def test_what_tasks_of_an_activity_raise_fails_the_run(usher: Driver) -> None:
    kinds = ["SystemExit", "KeyboardInterrupt", "CancelledError", "ValueError", "AssertionError"]
    inputs = [{"what": kind, "where": "task"} for kind in kinds]
    for kind, notice in zip(kinds, all_run(usher, "raising_workflow", inputs), strict=True):
        assert notice["error"]["cause_type"] == kind
    inputs = [{"what": kind, "where": "group"} for kind in ("SystemExit", "ValueError")]
    exits, raises = all_run(usher, "raising_workflow", inputs)
    assert exits["outcome"] == raises["outcome"] == "FAILED"
    assert raises["error"]["cause_type"] == "ExceptionGroup"
    assert "ValueError: cannot read caf" in raises["error"]["message"]
    assert "SystemExit" in exits["error"]["message"]


def test_what_an_activity_raises_is_caught_by_except_after_its_retries(usher: Driver) -> None:
    kinds = [*EXITS, "ValueError", "Speechless"]
    given = [{"what": k, "where": w, "catch": True} for k in kinds for w in ("activity", "async")]
    inputs = [{**one, "attempts": 2} for one in given]
    for one, notice in zip(given, all_run(usher, "raising_workflow", inputs), strict=True):
        assert notice["outcome"] == "COMPLETED"
        assert notice["output"]["type"] == one["what"]
        assert f"failed: {one['what']}" in notice["output"]["text"]
        history = usher.get("orchestrator", f"/instances/{notice['instance_id']}/history")
        assert str(history).count("TASK_FAILED") == 2


def test_a_failure_keeps_its_type_and_activity_through_children(usher: Driver) -> None:
    inputs = [{"what": "AssertionError"}, {"what": "SystemExit", "where": "later"}]
    deep, own = all_run(usher, "raising_parent_workflow", inputs)
    assert deep["error"]["message"].startswith(
        "child workflow raising_middle_workflow failed: child workflow raising_workflow failed: "
        "activity raising_activity failed: AssertionError (raising_workflow.py:"
    )
    assert "assert sys is None" in deep["error"]["message"]
    assert deep["error"]["activity"] == "raising_activity"
    assert deep["error"]["cause_type"] == "AssertionError"
    assert own["error"]["cause_type"] == "SystemExit"
    assert "activity" not in own["error"]


def test_what_models_raise_fails_the_run_or_is_a_dead_letter(usher: Driver) -> None:
    (written,) = all_run(usher, "bomb_workflow", [{"at": "writing"}])
    assert written["outcome"] == "FAILED"
    assert "SystemExit: in a serializer" in written["error"]["message"]
    read = fresh("bomb")
    usher.request("bomb_workflow", input={"at": "reading"}, instance_id=read)
    letter = usher.dead_letter(read)
    assert letter["reason"] == "handler_error"
    assert "SystemExit: in a validator" in letter["message"]
    others_are_served(usher)


KINDS = {
    "nothing": "bare `yield`",
    "list": "when_all",
    "value": "int is no task",
    "text": "str is no task",
    "dict": "when_all",
    "generator": "yield from",
    "coroutine": "awaits nothing",
    "function": "call_activity(raising_activity",
}


@pytest.mark.parametrize("later", [False, True])
def test_what_is_no_task_raises_a_type_error_at_its_yield(usher: Driver, later: bool) -> None:
    inputs = [{"kind": kind, "later": later} for kind in (*KINDS, "when_all", "when_any")]
    for given, notice in zip(inputs, all_run(usher, "yielding_workflow", inputs), strict=True):
        assert notice["outcome"] == "FAILED"
        assert KINDS.get(str(given["kind"]), "list of tasks") in notice["error"]["message"]
    caught = [{"kind": kind, "later": later, "catch": True} for kind in KINDS]
    for given, notice in zip(caught, all_run(usher, "yielding_workflow", caught), strict=True):
        assert notice["outcome"] == "COMPLETED"
        assert KINDS[str(given["kind"])] in notice["output"]


def test_nothing_of_it_is_left_running(usher: Driver) -> None:
    all_run(usher, "raising_workflow", [{"what": kind, "where": "first"} for kind in EXITS])
    running = usher.get("orchestrator", "/instances", status="RUNNING", limit=1000)["items"]
    eventually(
        lambda: [one for one in running if usher.status(one["instance_id"]) == "RUNNING"],
        lambda left: not [one for one in left if one["instance_id"].startswith("bad-")],
    )


def test_a_task_of_another_run_is_refused(usher: Driver) -> None:
    (notice,) = all_run(usher, "keeping_workflow", [fresh("kept")])
    assert notice["error"]["type"] == "TypeError"
    assert "belongs to another run or an earlier turn" in notice["error"]["message"]


def test_an_activity_that_a_stop_cuts_off_is_asked_again_and_is_no_failure(usher: Driver) -> None:
    patient = fresh("patient")
    usher.request("patient_workflow", input=4, instance_id=patient)
    eventually(lambda: usher.status(patient), lambda status: status == "RUNNING")
    with usher.away("orchestrator"):
        pass
    notice = usher.notice(patient, seconds=60)
    assert (notice["outcome"], notice["output"]) == ("COMPLETED", "waited")
    others_are_served(usher)
