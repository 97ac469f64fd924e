"""The AsyncAPI document: every route is in it, every reference leads somewhere."""

import json
import re
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.http import Workflow
from contracts.routes.spec import NAME, VERBS
from contracts.served_routes import ServedRoute
from contracts.topics import Topic
from starter.asyncapi.document import document
from tests.support.described import (
    HOSTILE_SCHEMA,
    followed,
    of_the_tests,
    references,
    served,
    workflow,
)
from tests.support.routed import route

TOPICS = [str(topic) for topic in Topic]


def made(*routes: ServedRoute, workflows: list[Workflow] | None = None) -> Any:
    """Return a document as a reader gets it."""
    found = json.loads(json.dumps(document(workflows or [workflow("w")], routes)))
    for target in references(found):
        followed(found, target)
    return found


def whole(found: Any, schema: Any) -> Any:
    """Return a schema with which events can be checked."""
    return {**schema, "components": found["components"]}


def event(**changes: Any) -> dict[str, Any]:
    return {"specversion": "1.0", "id": "1", "source": "/shop", "type": "placed", **changes}


def test_without_routes_the_topics_of_usher_are_described() -> None:
    found = made()
    assert found["asyncapi"] == "3.0.0"
    assert [one["address"] for one in found["channels"].values()] == TOPICS
    actions = {name: one["action"] for name, one in found["operations"].items()}
    assert actions == {
        "startWorkflow": "receive",
        "raiseEvent": "receive",
        "controlInstance": "receive",
        "announceCompletion": "send",
        "deadLetter": "send",
    }
    assert "x-schedules" not in found


def test_each_workflow_has_a_message_with_its_input() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    found = made(workflows=[workflow("b", schema, {"n": 1}), workflow("a")])
    keys = list(found["channels"]["workflow-requests"]["messages"])
    assert keys == ["start.a", "start.b"]
    message = found["components"]["messages"]["start.b"]
    assert found["components"]["schemas"]["b.input"] == schema
    check = jsonschema.Draft7Validator(whole(found, message["payload"]))
    (example,) = message["examples"]
    assert check.is_valid(example["payload"])
    assert check.is_valid(event(data={"workflow": "b", "input": {"n": 2}, "key": "k"}))
    assert not check.is_valid(event(data={"workflow": "b", "input": {"n": "two"}}))
    assert not check.is_valid(event(data={"workflow": "a"}))
    assert not check.is_valid({"type": "placed", "data": {"workflow": "b", "input": {"n": 2}}})


def test_where_no_workflow_is_served_a_request_is_described_all_the_same() -> None:
    found = document([], [])
    assert list(found["channels"]["workflow-requests"]["messages"]) == ["StartWorkflow"]


def test_a_route_is_an_operation_that_receives_events_of_its_kind() -> None:
    example = {"type": "placed", "data": {"n": 1}}
    start = route("shop/start", type="placed", key="data.n", when="data.n > 0", example=example)
    cancel = route("shop/cancel", type="placed", source="/shop*", key="data.n", cancel="w")
    schema = {"type": "object", "required": ["n"]}
    found = made(*served(start, cancel), workflows=[workflow("w", schema)])
    operation = found["operations"]["shop.start"]
    assert (operation["action"], operation["title"]) == ("receive", "shop/start")
    assert operation["x-route"] == {
        "from": "orders",
        "type": "placed",
        "when": "data.n > 0",
        "key": "data.n",
        "start": "w",
    }
    assert "`data.n > 0`" in operation["description"]
    message = followed(found, followed(found, operation["messages"][0]["$ref"])["$ref"])
    assert message["examples"] == [
        {
            "name": "shop/start",
            "payload": {
                **{"specversion": "1.0", "id": "example", "source": "/example"},
                **example,
            },
        }
    ]
    check = jsonschema.Draft7Validator(whole(found, message["payload"]))
    assert check.is_valid(event(data={"n": 1}))
    assert check.is_valid(message["examples"][0]["payload"])
    assert not check.is_valid(event(data={"n": 1}, type="placed.too"))
    assert not check.is_valid(event(data={}))
    other = followed(found, found["operations"]["shop.cancel"]["messages"][0]["$ref"])
    check = jsonschema.Draft7Validator(whole(found, followed(found, other["$ref"])["payload"]))
    assert check.is_valid(event(source="/shop/7", data={"n": 1}))
    assert not check.is_valid(event(source="/other/shop", data={"n": 1}))


def test_routes_that_look_for_the_same_events_share_a_message() -> None:
    found = made(*served(route("a", type="t"), route("b", type="t", when="data.x")))
    first, second = (found["operations"][name]["messages"] for name in "ab")
    assert first == second
    assert len(found["channels"]["orders"]["messages"]) == 1


def test_the_data_is_the_input_only_where_the_route_says_so() -> None:
    shaped, two = route("a", type="t", input="data.inner"), route("b", type="u", start="v")
    found = made(*served(shaped, two), workflows=[workflow("w"), workflow("v")])
    messages = found["components"]["messages"]
    assert "data" not in messages["orders.t"]["payload"]["allOf"][1]["properties"]
    data = messages["orders.u"]["payload"]["allOf"][1]["properties"]["data"]
    assert data == {"$ref": "#/components/schemas/v.input"}


def test_an_event_may_have_more_fields_than_the_input() -> None:
    closed = {"type": "object", "additionalProperties": False}
    inner = {**closed, "properties": {"additionalProperties": {"type": "integer"}}}
    schema = {**closed, "$defs": {"In": inner}, "properties": {"one": {"$ref": "#/$defs/In"}}}
    found = made(*served(route("a", type="t")), workflows=[workflow("w", schema, {"one": {}})])
    message = found["components"]["messages"]["orders.t"]
    check = jsonschema.Draft7Validator(whole(found, message["payload"]))
    more = {"more": 1, "one": {"more": 1, "additionalProperties": 7}}
    assert check.is_valid(event(type="t", data=more))
    assert not check.is_valid(event(type="t", data={"one": {"additionalProperties": "x"}}))
    assert found["components"]["schemas"]["w.input"]["additionalProperties"] is False
    (example,) = message["examples"]
    assert (example["payload"]["type"], example["payload"]["data"]) == ("t", {"one": {}})
    assert check.is_valid(example["payload"])


@pytest.mark.parametrize(
    ("key", "right", "wrong"),
    [
        ("data.order.id", {"order": {"id": 1}}, {"order": {}}),
        ('data["order-id"]', {"order-id": 1}, {}),
        ("data.a + data.b", {}, None),
        ("subject", {}, None),
        ("data", {}, None),
        ('data["$ref"]', {}, None),
    ],
)
def test_the_data_of_a_route_has_the_path_of_its_key(key: str, right: Any, wrong: Any) -> None:
    found = made(*served(route("a", type="t", cancel="w", key=key)))
    payload = whole(found, found["components"]["messages"]["orders.t"]["payload"])
    check = jsonschema.Draft7Validator(payload)
    assert check.is_valid(event(type="t", data=right))
    assert wrong is None or not check.is_valid(event(type="t", data=wrong))


def test_routes_that_share_a_message_may_have_other_keys() -> None:
    routes = (route(name, type="t", cancel="w", key=f"data.{name}") for name in "ab")
    found = made(*served(*routes))
    payload = whole(found, found["components"]["messages"]["orders.t"]["payload"])
    check = jsonschema.Draft7Validator(payload)
    valid = [check.is_valid(event(type="t", data={name: 1})) for name in "abc"]
    assert valid == [True, True, False]


def test_a_channel_of_another_component_is_on_a_server_of_its_own() -> None:
    found = made(*served(route("a"), route("b", **{"from": "kafka/orders"})))
    own, other = found["channels"]["orders"], found["channels"]["kafka.orders"]
    assert (own["address"], other["address"]) == ("orders", "orders")
    assert followed(found, own["servers"][0]["$ref"])["host"] == "pubsub"
    assert followed(found, other["servers"][0]["$ref"])["host"] == "kafka"


def test_a_paused_route_and_a_schedule_say_so() -> None:
    paused = route("a", paused=True)
    clock = route("n", **{"from": None}, every="0 9 * * 1", timezone="Europe/Berlin")
    found = made(*served(paused, clock))
    assert found["operations"]["a"]["summary"] == "Paused. Starts `w`."
    assert found["x-schedules"] == [
        {
            "route": "n",
            "description": "Starts `w` at `0 9 * * 1`, Europe/Berlin.",
            "paused": False,
        }
    ]


def test_an_orchestrator_that_does_not_tell_what_routes_look_for_is_described_too() -> None:
    (known,) = served(route("a", type="t"))
    found = made(known.model_copy(update={"spec": {}}))
    assert found["operations"]["a"]["summary"] == "Starts `w`."


def test_the_same_parts_give_the_same_text_in_any_order() -> None:
    workflows, routes = of_the_tests()
    first = json.dumps(document(workflows, routes))
    assert first == json.dumps(document(workflows[::-1], routes[::-1]))


@pytest.mark.parametrize("topic", ["a_b-c", "com.acme.orders", "shop:1"])
def test_a_topic_of_any_name_has_its_address(topic: str) -> None:
    found = made(*served(route("a", **{"from": topic})))
    (channel,) = [one for one in found["channels"].values() if one["title"] == topic]
    default = channel.get("parameters", {}).get("topic", {}).get("default", "")
    assert channel["address"].replace("{topic}", default) == topic


def test_a_schema_with_hostile_references_has_none_that_leads_nowhere() -> None:
    found = made(workflows=[workflow("w", HOSTILE_SCHEMA, {"$ref": "#/nowhere"})])
    schema = found["components"]["schemas"]["w.input"]
    assert "discriminator" not in schema
    assert "$ref" not in str(found["components"]["messages"]["start.w"].get("examples"))
    pair = schema["properties"]["pair"]
    assert [one.get("type") for one in pair["items"]] == ["string", None]
    assert pair["additionalItems"] is False
    assert schema["properties"]["away"] == {"description": "elsewhere"}
    assert "default" not in schema["properties"]["data"]
    check = jsonschema.Draft7Validator(whole(found, schema))
    assert check.is_valid({"kind": "cat", "pair": ["a", {"kind": "cat"}]})
    assert not check.is_valid({"kind": "cat", "pair": ["a", {"kind": "dog"}]})


CHANNEL = st.from_regex(r"([A-Za-z0-9._-]{1,9}/)?[A-Za-z0-9._:-]{1,20}", fullmatch=True)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
PATTERN = st.builds(
    lambda text, star: text.replace("*", "") + star, TEXT, st.sampled_from(["", "*"])
).filter(bool)
ROUTE = st.fixed_dictionaries(
    {"name": st.from_regex(rf"{NAME}(/{NAME})?", fullmatch=True), "from": CHANNEL},
    optional={"type": PATTERN, "source": PATTERN, "subject": PATTERN},
)


@settings(max_examples=60, deadline=None)
@given(st.lists(ROUTE, max_size=5, unique_by=lambda one: one["name"]), st.sampled_from(VERBS[:-1]))
def test_every_served_route_appears_once(found: list[dict[str, Any]], verb: str) -> None:
    more: dict[str, Any] = {verb: "w", "key": "data.id"}
    if "deliver" in verb:
        more["event"] = "e"
    routes = served(*(route(one.pop("name"), **one, **more) for one in found))
    described = made(*routes)
    operations = [one for one in described["operations"].values() if "x-route" in one]
    assert sorted(one["title"] for one in operations) == sorted(one.name for one in routes)
    for one in operations:
        assert followed(described, one["channel"]["$ref"])["title"] == one["x-route"]["from"]
    keys = [*described["channels"], *described["operations"], *described["servers"]]
    keys += [key for kind in described["components"].values() for key in kind]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+", key) for key in keys)
