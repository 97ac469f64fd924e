"""HOP 1's own routes: an accepted request was published once, a refused one not at all."""

from datetime import datetime
from typing import Any

import httpx
import pytest

from contracts import identity
from contracts.commands import StartWorkflow
from tests.support.answers import INSTANCE, RECORD
from tests.support.asgi import ask
from tests.support.neighbours import PROBLEM, Neighbours, fields, refused


def test_somebody_is_greeted() -> None:
    around = Neighbours()
    answer = around.ask("POST", "/start/Ada")
    assert answer.status_code == 202
    topic, event = around.the_one()
    assert topic == "workflow-requests"
    assert event["data"] == {"workflow": "hello_workflow", "input": {"name": "Ada"}}
    assert event["datacontenttype"] == "application/json"
    derived = identity.instance_to_start(
        StartWorkflow(workflow="hello_workflow"), event["source"], event["id"]
    )
    assert answer.json() == {"instance_id": derived, "event_id": event["id"]}


@pytest.mark.parametrize("name", ["Grüße", "a b", "%3Cb%3E", "..."])
def test_any_name_is_greeted(name: str) -> None:
    around = Neighbours()
    assert around.ask("POST", f"/start/{name}").status_code == 202
    assert isinstance(around.the_one()[1]["data"]["input"]["name"], str)


@pytest.mark.parametrize(
    ("body", "given"),
    [
        (b"", {}),
        (b"null", {}),
        (b'"Ada"', {"input": "Ada"}),
        (b'{"name": "Ada"}', {"input": {"name": "Ada"}}),
        (b"0", {"input": 0}),
        (b"false", {"input": False}),
    ],
)
def test_a_workflow_is_started_with_the_body_for_input(body: bytes, given: Any) -> None:
    around = Neighbours()
    answer = around.ask("POST", "/workflows/hello_workflow", content=body)
    assert answer.status_code == 202
    assert around.the_one()[1]["data"] == {"workflow": "hello_workflow", **given}


def test_a_workflow_is_started_by_key_or_under_an_id() -> None:
    around = Neighbours()
    by_key = around.ask("POST", "/workflows/hello_workflow", params={"key": "7"})
    assert by_key.json()["instance_id"] == "hello_workflow-7"
    by_id = around.ask("POST", "/workflows/hello_workflow", params={"instance_id": "mine"})
    assert by_id.json()["instance_id"] == "mine"
    commands = [event["data"] for _, event in around.published]
    assert commands == [
        {"workflow": "hello_workflow", "key": "7"},
        {"workflow": "hello_workflow", "instance_id": "mine"},
    ]


def test_an_event_is_delivered_to_an_instance() -> None:
    around = Neighbours()
    answer = around.ask(
        "POST", "/instances/i-1/events/approval", json={"approved": True}, params={"ttl_seconds": 5}
    )
    assert answer.status_code == 202
    topic, event = around.the_one()
    assert topic == "workflow-events"
    assert event["data"] == {
        "instance_id": "i-1",
        "event": "approval",
        "data": {"approved": True},
        "ttl_seconds": 5.0,
    }
    assert answer.json() == {"instance_id": "i-1", "event_id": event["id"]}


def test_an_event_may_have_no_data() -> None:
    around = Neighbours()
    assert around.ask("POST", "/instances/i-1/events/go").status_code == 202
    assert around.the_one()[1]["data"] == {"instance_id": "i-1", "event": "go"}


@pytest.mark.parametrize(
    "path", ["/start/Ada", "/workflows/hello_workflow", "/instances/i-1/events/approval"]
)
def test_a_request_sent_again_with_its_key_is_the_same_event(path: str) -> None:
    around = Neighbours()
    headers = {"Idempotency-Key": "order-7"}
    first = around.ask("POST", path, headers=headers)
    again = around.ask("POST", path, headers=headers)
    assert first.json() == again.json()
    assert first.json()["event_id"] == "order-7"
    (topic, one), (same_topic, other) = around.published
    assert topic == same_topic
    assert {**one, "time": None} == {**other, "time": None}  # all but when it was sent
    assert datetime.fromisoformat(one["time"]) <= datetime.fromisoformat(other["time"])


@pytest.mark.parametrize(
    ("known", "status"),
    [
        (httpx.Response(200, json={**RECORD, "digest": "another"}), 409),
        (httpx.Response(200, json=RECORD), 202),
        (httpx.Response(404, json={}), 202),
        (httpx.Response(200, text="odd"), 202),
        (httpx.Response(200, json=["odd"]), 202),
        (httpx.ConnectError("away"), 202),
    ],
)
@pytest.mark.parametrize("path", ["/start/Ada", "/workflows/w", "/instances/i-1/events/approval"])
def test_a_key_of_another_command_is_refused_where_the_ledger_can_be_asked(
    path: str, known: httpx.Response | Exception, status: int
) -> None:
    around = Neighbours(orchestrator=known)
    answer = around.ask("POST", path, headers={"Idempotency-Key": "order-7"})
    assert answer.status_code == status
    assert len(around.published) == (status == 202)
    if status == 409:
        assert answer.json()["errors"][0]["field"] == "idempotency-key"
        assert answer.json()["reason"] == "identity_reused"


def test_requests_without_a_key_are_events_of_their_own() -> None:
    around = Neighbours()
    ids = {around.ask("POST", "/start/Ada").json()["event_id"] for _ in range(3)}
    assert len(ids) == 3


@pytest.mark.parametrize(
    ("path", "request_", "reason", "field"),
    [
        ("/workflows/w", {"content": b"{"}, "invalid_json", "data"),
        ("/workflows/w", {"content": b'{"a": 1, "a": 2}'}, "invalid_json", "data"),
        ("/workflows/w", {"content": b"NaN"}, "invalid_json", "data"),
        ("/workflows/w", {"content": b"\xff"}, "invalid_json", "data"),
        ("/workflows/w", {"content": rb'"\ud800"'}, "invalid_json", "data"),
        ("/workflows/w", {"content": b"[" * 5_000 + b"]" * 5_000}, "invalid_json", "data"),
        ("/workflows/w", {"content": b'"' + b"x" * 1024 * 1024 + b'"'}, "oversize", "data"),
        ("/workflows/" + "w" * 129, {}, "invalid_request", "workflow"),
        ("/workflows/w", {"params": {"instance_id": "a b"}}, "invalid_instance_id", "instance_id"),
        ("/workflows/w", {"params": {"key": "a/b"}}, "invalid_instance_id", "key"),
        ("/workflows/w", {"params": {"key": ""}}, "invalid_request", "key"),
        ("/instances/i-1/events/" + "e" * 129, {}, "invalid_request", "event"),
        ("/instances/i-1/events/go", {"content": b"{"}, "invalid_json", "data"),
    ],
)
def test_a_command_that_could_never_be_served_is_refused_and_the_field_is_named(
    path: str, request_: dict[str, Any], reason: str, field: str
) -> None:
    problem = refused(path, **request_)
    assert problem["reason"] == reason
    assert fields(problem) == [field]


@pytest.mark.parametrize(
    ("path", "request_", "field"),
    [
        ("/instances/a%01b/events/go", {}, "instance_id"),
        ("/instances/i-1/events/go", {"params": {"ttl_seconds": -1}}, "ttl_seconds"),
        ("/instances/i-1/events/go", {"params": {"ttl_seconds": "soon"}}, "ttl_seconds"),
        ("/instances/i-1/events/go", {"params": {"ttl_seconds": "inf"}}, "ttl_seconds"),
        ("/start/Ada", {"headers": {"Idempotency-Key": "k" * 257}}, "idempotency-key"),
    ],
)
def test_a_parameter_that_cannot_be_is_refused_and_named(
    path: str, request_: dict[str, Any], field: str
) -> None:
    assert fields(refused(path, **request_)) == [field]


@pytest.mark.parametrize(
    "sidecar", [httpx.ConnectError("refused"), httpx.ReadTimeout("slow"), httpx.Response(500)]
)
def test_what_the_broker_did_not_take_was_not_accepted(sidecar: Any) -> None:
    answer = Neighbours(sidecar=sidecar).ask("POST", "/start/Ada")
    assert answer.status_code == 503
    assert answer.headers["content-type"] == PROBLEM
    assert answer.json()["detail"]


# --- the status of an instance --------------------------------------------------------------------


def test_a_status_is_what_the_orchestrator_says() -> None:
    shown = {name: value for name, value in INSTANCE.items() if name != "event_id"}
    around = Neighbours(orchestrator=httpx.Response(200, json=INSTANCE))
    answer = around.ask("GET", "/status/i-1")
    assert (answer.status_code, answer.json()) == (200, shown)
    assert [request.url.path for request in around.asked] == ["/instances/i-1"]


@pytest.mark.parametrize(
    ("orchestrator", "status"),
    [
        (httpx.Response(404), 404),
        (httpx.Response(503, text="the workflow engine cannot be asked"), 503),
        (httpx.Response(500, text="oops"), 503),
        (httpx.Response(200, json={"status": "RUNNING"}), 503),
        (httpx.ConnectError("refused"), 503),
        (httpx.ReadTimeout("slow"), 503),
    ],
)
def test_a_status_that_cannot_be_told_says_why(orchestrator: Any, status: int) -> None:
    answer = Neighbours(orchestrator=orchestrator).ask("GET", "/status/i-1")
    assert answer.status_code == status
    assert answer.headers["content-type"] == PROBLEM
    assert answer.json()["status"] == status
    assert answer.json()["detail"]


def test_an_id_that_none_has_is_not_asked_for() -> None:
    around = Neighbours()
    answer = around.ask("GET", "/status/a%01b")
    assert answer.status_code == 422
    assert fields(answer.json()) == ["instance_id"]
    assert around.asked == []


def test_readiness_is_the_sidecars() -> None:
    assert Neighbours().ask("GET", "/readyz").status_code == 200
    for away, said in (
        (httpx.Response(500), "the sidecar at http://sidecar answers 500"),
        (httpx.ConnectError("refused"), "no sidecar answers at http://sidecar: refused: does it"),
    ):
        answer = Neighbours(sidecar=away).ask("GET", "/readyz")
        assert answer.status_code == 503
        assert answer.json()["status"].startswith(said)
        assert Neighbours(sidecar=away).ask("GET", "/healthz").status_code == 200


def test_the_routes_are_described_for_people() -> None:
    assert Neighbours().ask("GET", "/docs").status_code == 200
    paths = Neighbours().ask("GET", "/openapi.json").json()["paths"]
    assert {
        "/events",
        "/start/{user_name}",
        "/workflows/{name}",
        "/instances/{instance_id}/events/{event}",
        "/status/{instance_id}",
    } <= set(paths)
    for path, methods in paths.items():
        for method in methods.values():
            assert method["description"], path


def test_what_was_published_and_refused_is_counted() -> None:
    assert 'usher_published_total{topic="workflow-events"} 1.0' in _counted("/instances/i/events/e")
    assert 'usher_refused_total{reason="invalid_event"} 1.0' in _counted("/events", content="{")


def _counted(path: str, **request: Any) -> str:
    app = Neighbours().app()
    ask(app, "POST", path, **request)
    return ask(app, "GET", "/metrics").text


def test_what_is_for_one_instance_has_its_id_for_partition_key() -> None:
    around = Neighbours()
    around.ask("POST", "/workflows/hello_workflow", params={"key": "7"})
    around.ask("POST", "/instances/i-1/events/approval", json=True)
    keys = [request.url.params["metadata.partitionKey"] for request in around.asked]
    assert keys == ["hello_workflow-7", "i-1"]


@pytest.mark.parametrize(
    ("attributes", "key"),
    [
        ({}, None),
        ({"subject": "order 7/ä"}, "order%207/%C3%A4"),
        ({"subject": "order-7", "partitionkey": "customer-1"}, "customer-1"),
    ],
)
def test_an_event_of_a_route_is_kept_in_order_by_its_own_key(
    attributes: dict[str, str], key: str | None
) -> None:
    around = Neighbours()
    event = {"specversion": "1.0", "id": "e", "source": "/s", "type": "t", **attributes}
    kind = {"content-type": "application/cloudevents+json"}
    answer = around.ask("POST", "/events", json=event, params={"topic": "orders"}, headers=kind)
    assert answer.status_code == 202
    (request,) = [one for one in around.asked if one.method == "POST"]
    assert request.url.params.get("metadata.partitionKey") == key


def test_what_the_broker_finds_too_large_is_refused_and_not_tried_again() -> None:
    said = "error when publishing to topic: kafka server: Message was too large, server rejected it"
    around = Neighbours(sidecar=httpx.Response(500, json={"message": said}))
    answer = around.ask("POST", "/workflows/hello_workflow", json="x" * 1000)
    assert answer.status_code == 422
    assert answer.json()["reason"] == "oversize"
    assert "bytes" in answer.json()["detail"]
