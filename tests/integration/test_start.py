"""An event comes in by any door; its workflow starts, once, and its end is announced."""

from typing import Any

import pytest

from tests.support.driver import Driver, eventually, fresh

GREETING = {"final_greeting": "Hello, Ada!"}


def test_a_plain_json_publish_starts_the_workflow_and_its_end_is_announced(usher: Driver) -> None:
    instance = fresh("hello")

    usher.request("hello_workflow", input="Ada", instance_id=instance)

    notice = usher.notice(instance)
    assert notice["workflow"] == "hello_workflow"
    assert notice["outcome"] == "COMPLETED"
    assert notice["output"] == GREETING
    assert notice["error"] is None
    assert notice["started_at"] <= notice["finished_at"] <= notice["seen_at"]
    assert notice["duration_s"] >= 0


def test_input_may_be_an_object(usher: Driver) -> None:
    instance = fresh("hello")
    usher.request("hello_workflow", input={"name": "Ada"}, instance_id=instance)
    assert usher.notice(instance)["output"] == GREETING


def test_no_input_means_all_defaults(usher: Driver) -> None:
    instance = fresh("hello")
    usher.request("hello_workflow", instance_id=instance)
    assert usher.notice(instance)["output"] == {"final_greeting": "Hello, World!"}


def test_a_key_names_the_instance(usher: Driver) -> None:
    key = fresh("key")
    usher.request("hello_workflow", input="Ada", key=key)
    assert usher.notice(f"hello_workflow-{key}")["output"] == GREETING


def test_a_cloudevent_sent_twice_is_served_once(usher: Driver) -> None:
    command = {"workflow": "hello_workflow", "input": "Ada"}
    event_id = fresh("event")

    first = usher.post("/events", json=_cloudevent(event_id, command), headers=STRUCTURED).json()
    usher.notice(first["instance_id"])
    again = usher.post("/events", json=_cloudevent(event_id, command), headers=STRUCTURED).json()

    assert again == first == {"instance_id": first["instance_id"], "event_id": event_id}
    eventually(lambda: usher.pending("workflow-requests"), lambda pending: pending == 0)
    assert len(usher.notices(first["instance_id"])) == 1


def test_binary_mode_is_a_door_too(usher: Driver) -> None:
    headers = {
        "ce-specversion": "1.0",
        "ce-id": fresh("event"),
        "ce-source": "/tests",
        "ce-type": "test",
    }
    answer = usher.post(
        "/events", json={"workflow": "hello_workflow", "input": "Ada"}, headers=headers
    )
    assert answer.status_code == 202
    assert answer.json()["event_id"] == headers["ce-id"]
    assert usher.notice(answer.json()["instance_id"])["output"] == GREETING


def test_a_batch_is_served_each_by_itself(usher: Driver) -> None:
    names = [fresh("batch") for _ in range(3)]
    batch = [
        _cloudevent(name, {"workflow": "hello_workflow", "instance_id": name, "input": "Ada"})
        for name in names
    ]
    answer = usher.post(
        "/events", json=batch, headers={"content-type": "application/cloudevents-batch+json"}
    )
    assert answer.status_code == 202
    assert answer.json()["items"] == [{"instance_id": n, "event_id": n} for n in names]
    for name in names:
        assert usher.notice(name)["output"] == GREETING


def test_the_starter_starts_by_name_and_for_a_person(usher: Driver) -> None:
    by_name = usher.post("/workflows/hello_workflow", json={"name": "Ada"})
    for_ada = usher.post("/start/Ada")
    assert by_name.status_code == for_ada.status_code == 202
    for answer in (by_name, for_ada):
        assert usher.notice(answer.json()["instance_id"])["output"] == GREETING


def test_a_request_sent_again_with_its_idempotency_key_is_served_once(usher: Driver) -> None:
    headers = {"Idempotency-Key": fresh("key")}
    first = usher.post("/workflows/hello_workflow", json="Ada", headers=headers).json()
    usher.notice(first["instance_id"])
    again = usher.post("/workflows/hello_workflow", json="Ada", headers=headers).json()
    assert again == first
    eventually(lambda: usher.pending("workflow-requests"), lambda pending: pending == 0)
    assert len(usher.notices(first["instance_id"])) == 1


def test_a_workflow_from_a_folder_of_ones_own_runs(usher: Driver) -> None:
    answer = usher.post("/workflows/whisper_workflow", json="LOUD")
    assert usher.notice(answer.json()["instance_id"])["output"] == "loud"


def test_every_workflow_is_listed_with_what_it_takes(usher: Driver) -> None:
    items = {item["name"]: item for item in usher.get("orchestrator", "/workflows")["items"]}
    assert {"hello_workflow", "approval_workflow", "fail_workflow", "whisper_workflow"} <= set(
        items
    )
    hello = items["hello_workflow"]
    assert hello["example"] == {"name": "Ada"}
    assert hello["announce"] is True
    assert "Greet" in hello["description"]
    assert hello["input_schema"]["anyOf"]


def test_status_shows_the_instance_as_its_author_knows_it(usher: Driver) -> None:
    instance = fresh("hello")
    usher.request("hello_workflow", input="Ada", instance_id=instance)
    usher.notice(instance)
    shown = eventually(
        lambda: usher.get("starter", f"/status/{instance}"),
        lambda status: status["status"] == "COMPLETED",
    )
    assert shown["workflow"] == "hello_workflow"
    assert shown["input"] == "Ada"
    assert shown["output"] == GREETING
    assert shown["error"] is None
    history = usher.get("orchestrator", f"/instances/{instance}/history")["items"]
    assert "hello_activity" in [event["name"] for event in history]
    listed = usher.get("orchestrator", "/instances", limit=1000)["items"]
    assert instance in [one["instance_id"] for one in listed]


@pytest.mark.parametrize("path", ["/status/nobody", "/status/no%20id"])
def test_status_of_nobody_is_a_problem_that_says_so(usher: Driver, path: str) -> None:
    answer = usher.http.get(usher.url("starter", path))
    assert answer.status_code in (404, 422)
    assert answer.headers["content-type"] == "application/problem+json"


STRUCTURED = {"content-type": "application/cloudevents+json"}


def _cloudevent(event_id: str, data: Any) -> dict[str, Any]:
    return {"specversion": "1.0", "id": event_id, "source": "/tests", "type": "t", "data": data}
