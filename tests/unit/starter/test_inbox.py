"""`POST /events`: the CloudEvents HTTP binding, structured, binary and batch."""

import base64
import json
from typing import Any

import pytest

from tests.support.neighbours import Neighbours, fields, refused

STRUCTURED = {"content-type": "application/cloudevents+json"}
BATCH = {"content-type": "application/cloudevents-batch+json"}
EVENT: dict[str, Any] = {
    "specversion": "1.0",
    "id": "order-1",
    "source": "/shop",
    "type": "order.placed",
    "data": {"workflow": "hello_workflow", "input": "Ada"},
}
APPROVAL: dict[str, Any] = {
    **EVENT,
    "id": "order-2",
    "data": {"instance_id": "i-1", "event": "approval", "data": {"approved": True}},
}
BINARY = {
    "content-type": "application/json",
    "ce-specversion": "1.0",
    "ce-id": "order-1",
    "ce-source": "/shop",
    "ce-type": "order.placed",
}


def without(envelope: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in envelope.items() if name not in names}


def post(headers: dict[str, str], body: Any) -> tuple[Neighbours, Any]:
    around = Neighbours()
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = around.ask("POST", "/events", headers=headers, content=content)
    assert answer.status_code == 202, answer.text
    return around, answer.json()


def refusal(headers: dict[str, str], body: Any) -> tuple[str | None, str | None]:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    problem = refused("/events", headers=headers, content=content)
    return problem["reason"], fields(problem)[0]


def test_a_structured_event_keeps_who_it_is() -> None:
    around, answer = post(STRUCTURED, {**EVENT, "subject": "order 1", "sequence": "3"})
    topic, published = around.the_one()
    assert topic == "workflow-requests"
    for name, value in {**EVENT, "subject": "order 1", "sequence": "3"}.items():
        assert published[name] == value
    assert published["datacontenttype"] == "application/json"  # without it, an app gets no data
    assert answer["event_id"] == "order-1"
    assert answer["instance_id"].startswith("hello_workflow-")


def test_the_same_event_is_for_the_same_instance() -> None:
    assert post(STRUCTURED, EVENT)[1] == post(STRUCTURED, EVENT)[1]
    other = post(STRUCTURED, {**EVENT, "source": "/store"})[1]
    assert other["instance_id"] != post(STRUCTURED, EVENT)[1]["instance_id"]


def test_a_parameter_of_the_content_type_changes_nothing() -> None:
    headers = {"content-type": "application/cloudevents+json; charset=UTF-8"}
    assert post(headers, EVENT)[0].the_one() == post(STRUCTURED, EVENT)[0].the_one()


def test_data_in_base64_is_published_as_the_json_it_is() -> None:
    data = base64.b64encode(json.dumps(EVENT["data"]).encode()).decode()
    around, _ = post(STRUCTURED, {**without(EVENT, "data"), "data_base64": data})
    assert around.the_one()[1]["data"] == EVENT["data"]


def test_a_binary_event_has_its_attributes_in_headers() -> None:
    around, answer = post({**BINARY, "ce-sequence": "3"}, EVENT["data"])
    assert answer == post(STRUCTURED, EVENT)[1]
    _, published = around.the_one()
    assert published == {**EVENT, "sequence": "3", "datacontenttype": "application/json"}


def test_a_header_of_a_binary_event_may_be_percent_encoded() -> None:
    """The HTTP binding says so: a header holds ASCII only."""
    around, _ = post({**BINARY, "ce-subject": "Gr%C3%BC%C3%9Fe%20%25"}, EVENT["data"])
    assert around.the_one()[1]["subject"] == "Grüße %"


def test_a_batch_is_published_in_its_order_each_on_its_topic() -> None:
    around, answer = post(BATCH, [EVENT, APPROVAL])
    assert [(topic, event["id"]) for topic, event in around.published] == [
        ("workflow-requests", "order-1"),
        ("workflow-events", "order-2"),
    ]
    assert [item["event_id"] for item in answer["items"]] == ["order-1", "order-2"]
    assert answer["items"][1]["instance_id"] == "i-1"


def test_a_batch_of_none_accepts_none() -> None:
    around, answer = post(BATCH, [])
    assert answer == {"items": []}
    assert around.published == []


@pytest.mark.parametrize("name", ["specversion", "id", "source", "type"])
def test_an_event_that_lacks_an_attribute_is_refused_and_told_which(name: str) -> None:
    expected = ("invalid_event", name)
    assert refusal(STRUCTURED, without(EVENT, name)) == expected
    assert refusal(STRUCTURED, {**EVENT, name: ""}) == expected
    assert refusal(without(BINARY, f"ce-{name}"), EVENT["data"]) == expected


@pytest.mark.parametrize(
    ("data", "reason", "field"),
    [
        ({"workflow": 7}, "invalid_request", "workflow"),
        ({"input": "Ada"}, "invalid_request", "workflow"),
        ({"workflow": "w", "instance_id": "a b"}, "invalid_instance_id", "instance_id"),
        ({"instance_id": "i-1", "event": "e", "control": "purge"}, "invalid_request", "control"),
        ("text", "invalid_json", None),
        ([], "invalid_request", "data"),
    ],
)
def test_data_that_is_no_command_is_refused(data: Any, reason: str, field: str | None) -> None:
    assert refusal(STRUCTURED, {**EVENT, "data": data}) == (reason, field)
    assert refusal(BINARY, data) == (reason, field)


@pytest.mark.parametrize(
    ("headers", "body", "reason"),
    [
        ({"content-type": "application/json"}, b"{}", "invalid_event"),
        ({}, b"", "invalid_event"),
        (STRUCTURED, b"{", "invalid_json"),
        (STRUCTURED, b"[]", "invalid_event"),
        (STRUCTURED, b'{"id": 1, "id": 2}', "invalid_json"),
        (BATCH, b"{}", "invalid_event"),
        (BINARY, b"", "invalid_event"),
        (BINARY, b"{", "invalid_json"),
        (BINARY, b"\xff", "invalid_json"),
        (BINARY, b'{"workflow": "' + b"x" * 1024 * 1024 + b'"}', "oversize"),
    ],
)
def test_a_body_that_is_no_event_is_refused(
    headers: dict[str, str], body: bytes, reason: str
) -> None:
    assert refusal(headers, body)[0] == reason


@pytest.mark.parametrize(
    ("second", "field"),
    [
        (without(EVENT, "id"), "1.id"),
        (7, "1"),
        ({**EVENT, "data": {"workflow": 7}}, "1.workflow"),
        ({**EVENT, "data": {"workflow": "w", "key": "a b"}}, "1.key"),
    ],
)
def test_one_bad_event_refuses_a_batch_and_its_place_is_told(second: Any, field: str) -> None:
    assert refusal(BATCH, [EVENT, second])[1] == field


@pytest.mark.parametrize("name", ["id", "source"])
def test_half_a_surrogate_pair_is_no_identity(name: str) -> None:
    body = json.dumps({**EVENT, name: "\ud800"}).encode()
    assert refusal(STRUCTURED, body)[0] in ("invalid_json", "invalid_event")
