"""P1, P2: an identity is of one event, an instance id of one run; who comes second is told."""

import json
from typing import Any

import pytest

from contracts import identity
from contracts.events import Reason
from tests.support.command import run_usher
from tests.support.driver import Document, Driver, eventually, fresh
from tests.support.recorded import assert_replays


def settled(usher: Driver) -> None:
    def pending() -> int:
        return usher.pending("workflow-requests") + usher.pending("workflow-events")

    eventually(pending, lambda many: many == 0, 60)


def letters(usher: Driver, mark: str) -> list[Document]:
    return [one for one in usher.dead_letters() if mark in json.dumps(one["event"])]


def test_one_idempotency_key_for_two_commands_is_a_conflict_at_the_door(usher: Driver) -> None:
    instance, headers = fresh("order"), {"Idempotency-Key": fresh("key")}
    start = {"params": {"instance_id": instance}, "headers": headers}
    assert usher.post("/workflows/approval_workflow", **start).status_code == 202
    usher.running(instance)
    path = f"/instances/{instance}/events/approval"
    approval = {"approved": True, "by": "Grace"}
    answer = usher.post(path, headers=headers, json=approval)
    assert (answer.status_code, answer.json()["reason"]) == (409, "identity_reused")
    assert usher.post("/workflows/approval_workflow", **start).status_code == 202
    with usher.away("orchestrator"):  # nobody can be asked: it is put aside off the topic
        assert usher.post(path, headers=headers, json=approval).status_code == 202
    letter = usher.dead_letter(instance)
    assert letter["reason"] == Reason.IDENTITY_REUSED
    assert usher.status(instance) == "RUNNING"
    run_usher(usher, "redrive", "--id", letter["id"], "--yes")
    assert usher.notice(instance)["outcome"] == "COMPLETED"
    assert len(letters(usher, instance)) == 1


def test_events_of_one_identity_each_get_a_letter_and_the_first_is_served(usher: Driver) -> None:
    event_id, instance = fresh("event"), fresh("order")
    usher.request("approval_workflow", instance_id=instance)
    usher.running(instance)
    first = {"instance_id": instance, "event": "note", "data": 1}
    usher.cloudevent("workflow-events", event_id, first)
    settled(usher)
    others: list[Any] = [{**first, "data": 2}, {**first, "event": "else"}]
    for command in [*others, *others, {"data": 1.0, **first}]:
        usher.cloudevent("workflow-events", event_id, command)
    usher.cloudevent("workflow-requests", event_id, {"workflow": "hello_workflow", "key": event_id})
    settled(usher)
    found = eventually(lambda: letters(usher, event_id), lambda some: len(some) >= 3)
    assert [one["reason"] for one in found] == [Reason.IDENTITY_REUSED] * 3
    known = usher.get("orchestrator", "/events", source="/tests", id=event_id)
    assert (known["disposition"], known["others"], known["duplicates"]) == ("delivered", 3, 3)
    assert usher.status(f"hello_workflow-{event_id}") is None
    told = run_usher(usher, "audit", code=None)
    named = [one for one in told["reused"] if one["id"] == event_id]
    assert len(named) == (0 if "workflow-events" in told["not_seen"] else 3)
    assert event_id not in json.dumps(told["findings"])


@pytest.mark.parametrize("chosen", ["instance_id", "key"])
def test_an_id_of_the_derived_form_is_not_started_and_takes_events(
    usher: Driver, chosen: str
) -> None:
    event_id = fresh("event")
    key = identity.event_key("/tests", event_id)
    derived = f"approval_workflow-ce-{key}"
    given = {"instance_id": derived} if chosen == "instance_id" else {"key": f"ce-{key}"}
    answer = usher.post("/workflows/approval_workflow", params=given)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, chosen)
    mark = fresh("m")
    usher.publish(
        "workflow-requests", {"workflow": "approval_workflow", "input": {"item": mark}, **given}
    )
    assert usher.dead_letter(mark)["reason"] == Reason.INVALID_INSTANCE_ID
    assert usher.status(derived) is None
    usher.cloudevent("workflow-requests", event_id, {"workflow": "approval_workflow"})
    usher.running(derived)
    usher.event(derived, "approval", {"approved": True, "by": "Grace"})
    assert usher.notice(derived)["outcome"] == "COMPLETED"
    usher.publish("workflow-events", {"instance_id": derived, "control": "purge"})
    eventually(lambda: usher.status(derived), lambda status: status is None)


@pytest.mark.parametrize("command", [{}, {"event": "e"}, {"control": "terminate"}])
def test_an_id_of_our_own_runs_is_refused_by_workflow_and_key(
    usher: Driver, command: Document
) -> None:
    key = f"{identity.event_key('/tests', fresh('x'))}-1"
    topic = "workflow-events" if command else "workflow-requests"
    usher.publish(topic, {**command, "workflow": "usher_expire", "key": key})
    letter = usher.dead_letter(key)
    assert letter["reason"] in (Reason.INVALID_INSTANCE_ID, Reason.UNKNOWN_WORKFLOW)


def test_a_child_overwrites_no_run_and_no_start_overwrites_a_child(usher: Driver) -> None:
    finished, running = fresh("hello"), fresh("approval")
    usher.request("hello_workflow", input="Ada", instance_id=finished)
    usher.request("approval_workflow", instance_id=running)
    before = usher.notice(finished)["output"]
    usher.running(running)
    later = f"hello_workflow-ce-{identity.event_key('/tests', fresh('later'))}"
    parent, child, waits = fresh("parent"), fresh("child"), fresh("waits")
    ids = [finished, running, later, "p:0001", f"pay-{parent}", child, child]
    usher.request("naming_workflow", instance_id=parent, input={"ids": ids})
    told = usher.notice(parent)["output"]
    assert ["InstanceExists" in one for one in told] == [True] * 4 + [False] * 3
    assert told[4:] == ["x", "x", "x"]
    assert usher.get("orchestrator", f"/instances/{finished}")["output"] == before
    assert usher.status(running) == "RUNNING"
    assert_replays(usher, parent)

    waiting = {"ids": [waits], "text": "wait", "at_once": True}
    second = fresh("parent")
    usher.request("naming_workflow", instance_id=second, input=waiting)
    usher.running(waits)
    third = fresh("parent")
    usher.request("naming_workflow", instance_id=third, input={"ids": [waits, child]})
    refused = usher.notice(third)["output"]
    assert ["InstanceExists" in one for one in refused] == [True, True]
    for one in (waits, child):
        usher.request("hello_workflow", input="Grace", instance_id=one)
        assert usher.dead_letter(one)["reason"] == Reason.INSTANCE_EXISTS
    usher.publish("workflow-events", {"instance_id": child, "control": "purge"})
    eventually(lambda: usher.status(child), lambda status: status is None)
    usher.request("hello_workflow", input="purged", instance_id=child)
    eventually(lambda: letters(usher, child), lambda some: len(some) == 2)
    usher.event(waits, "paid", "by name")
    assert usher.notice(second)["output"] == ["by name"]
    assert_replays(usher, second)


def test_a_child_of_a_run_with_a_derived_id_may_be_named_after_it(usher: Driver) -> None:
    event_id = fresh("event")
    parent = f"naming_workflow-ce-{identity.event_key('/tests', event_id)}"
    ids = [f"pay-{parent}", parent.replace("naming", "naming2")]
    usher.cloudevent(
        "workflow-requests", event_id, {"workflow": "naming_workflow", "input": {"ids": ids}}
    )
    assert usher.notice(parent)["output"] == ["x", "x"]
