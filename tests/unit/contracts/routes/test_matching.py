"""Matching: every route that is asked has an outcome; a fault names its expression and field."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import redrive
from contracts.cloudevent import CloudEvent
from contracts.events import Reason
from contracts.routes.matching import (
    Matched,
    NotMatched,
    Outcome,
    RouteRefused,
    RouteTable,
    outcome,
)
from tests.support.routed import event, route

ORDER = {"order_id": "o-1", "country": "DE", "total": 5}


def only(found: list[Outcome]) -> Outcome:
    (one,) = found
    return one


def why(found: Outcome) -> str:
    assert isinstance(found, NotMatched)
    return found.why


def matched(found: Outcome) -> Matched:
    assert isinstance(found, Matched), found
    return found


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"type": "other"}, "type: it looks for other"),
        ({"type": "plac"}, "type: it looks for plac"),
        ({"source": "/shop/*"}, "source: it looks for /shop/*"),
        ({"subject": "carts/1"}, "subject: it looks for carts/1"),
        ({"when": "data.country == 'FR'"}, "when is false"),
        ({"when": "data.nothing == 1"}, "when: data.nothing is missing"),
        ({"when": "subject == 's'"}, "when: subject is missing"),
        ({"paused": True}, "paused"),
    ],
)
def test_an_event_that_does_not_fit_is_not_matched_and_says_why(
    fields: dict[str, Any], told: str
) -> None:
    assert why(outcome(route(**fields), event(ORDER))) == told


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"type": "placed"},
        {"type": "pla*"},
        {"type": "*"},
        {"source": "/shop"},
        {"source": "/*"},
        {"subject": "carts/*"},
        {"when": "data.country == 'DE' && event.tenant == 'a'"},
    ],
)
def test_an_event_that_fits_is_matched(fields: dict[str, Any]) -> None:
    found = matched(outcome(route(**fields), event(ORDER, subject="carts/1", tenant="a")))
    assert (found.input, found.key, found.instance_id, found.data) == (ORDER, None, None, None)


@pytest.mark.parametrize(
    ("fields", "data", "reason", "field", "said"),
    [
        ({"when": "data.total > 'a'"}, ORDER, Reason.ROUTE_CONDITION, "data.total", "do not fit"),
        ({"when": "data.total"}, ORDER, Reason.ROUTE_CONDITION, "data.total", "5, not true or"),
        ({"when": "data.total / 0 > 1"}, ORDER, Reason.ROUTE_CONDITION, "data.total", "zero"),
        ({"when": "data.a.b"}, {"a": None}, Reason.ROUTE_CONDITION, "data.a", "data.a is null"),
        ({"key": "data.nothing"}, ORDER, Reason.NO_KEY, "data.nothing", "is missing"),
        ({"key": "data.id"}, {"id": None}, Reason.NO_KEY, "data.id", "this is null"),
        ({"key": "data.id"}, {"id": ""}, Reason.NO_KEY, "data.id", "empty"),
        ({"key": "data.id"}, {"id": []}, Reason.NO_KEY, "data.id", "this is a list"),
        ({"key": "data.id"}, {"id": "x" * 1025}, Reason.NO_KEY, "data.id", "1,024 characters"),
        ({"key": "data.id.x"}, {"id": 1}, Reason.NO_KEY, "data.id", "has no fields"),
        ({"input": "data.nothing"}, ORDER, Reason.ROUTE_CONDITION, "data.nothing", "is missing"),
        ({"input": "data.total + 'a'"}, ORDER, Reason.ROUTE_CONDITION, "data.total", "int"),
        ({"at": "data.country"}, ORDER, Reason.ROUTE_CONDITION, "data.country", "no time"),
        ({"at": "data.due"}, {"due": 7}, Reason.ROUTE_CONDITION, "data.due", "no time"),
    ],
)
def test_a_fault_is_refused_with_the_expression_the_error_and_the_field(
    fields: dict[str, Any], data: Any, reason: Reason, field: str, said: str
) -> None:
    found = outcome(route(**fields), event(data))
    assert isinstance(found, RouteRefused)
    assert (found.refused.reason, found.refused.field) == (reason, field)
    ((name, text),) = fields.items()
    assert found.refused.message.startswith(f"{name} `{text}`: ")
    assert said in found.refused.message


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (CloudEvent("", "/s", "placed", b"{}"), Reason.INVALID_EVENT),
        (CloudEvent("e", "/s", "placed", b"{"), Reason.INVALID_JSON),
        (CloudEvent("e", "/s", "placed", b"\xff", "image/png"), Reason.INVALID_EVENT),
        (CloudEvent("e", "/s", "placed", b" " * (1024 * 1024 + 1)), Reason.OVERSIZE),
    ],
)
def test_an_event_that_cannot_be_read_is_refused_if_a_route_is_for_it(
    wrong: CloudEvent, reason: Reason
) -> None:
    found = only(RouteTable([route(type="placed")]).match("orders", wrong))
    assert isinstance(found, RouteRefused)
    assert found.refused.reason is reason
    assert RouteTable([route(type="other")]).match("orders", wrong) == []


@pytest.mark.parametrize(
    ("verb", "fields", "payload"),
    [
        ("deliver", {"event": "paid"}, (None, ORDER)),
        ("deliver", {"event": "paid", "data": "data.total"}, (None, 5)),
        ("start_or_deliver", {"event": "item", "input": "data.country"}, ("DE", ORDER)),
        ("cancel", {"early": "1h"}, (None, None)),
        ("suspend", {}, (None, None)),
        ("resume", {}, (None, None)),
    ],
)
def test_each_verb_names_its_instance_by_the_key(
    verb: str, fields: dict[str, Any], payload: tuple[Any, Any]
) -> None:
    found = matched(outcome(route(**{verb: "w", "key": "data.order_id"}, **fields), event(ORDER)))
    assert (found.route.verb, found.route.workflow) == (verb, "w")
    assert (found.key, found.instance_id) == ("o-1", "w-o-1")
    assert (found.input, found.data) == payload


def test_a_start_may_wait_for_a_time() -> None:
    found = outcome(route(at="data.due"), event({"due": "2030-01-31T08:00:00z"}))
    assert matched(found).start_at == "2030-01-31T08:00:00+00:00"


@pytest.mark.parametrize("fields", [{"when": "data.due"}, {"at": "data.due"}])
def test_a_message_shows_the_beginning_of_a_long_value(fields: dict[str, Any]) -> None:
    found = outcome(route(**fields), event({"due": "x" * 60_000}))
    assert isinstance(found, RouteRefused)
    assert len(found.refused.message) < 200


def test_several_routes_may_match_one_event() -> None:
    routes = [
        route("a", type="placed"),
        route("b"),
        route("c", type="pl*"),
        route("d", type="other"),
        route("e", **{"from": "payments"}),
        route("f", **{"from": "kafka/orders"}),
    ]
    found = RouteTable(routes).match("orders", event(ORDER))
    assert [matched(one).route.name for one in found] == ["a", "b", "c"]
    (elsewhere,) = RouteTable(routes).match("orders", event(ORDER), "kafka")
    assert elsewhere.route.name == "f"


def test_every_route_is_explained() -> None:
    routes = [route("a"), route("b", type="x"), route("c", **{"from": "payments"})]
    found = RouteTable(routes).explain("orders", event(ORDER))
    assert [one.why if isinstance(one, NotMatched) else "" for one in found] == [
        "",
        "type: it looks for x",
        "topic",
    ]


def test_every_route_of_the_topic_says_why_it_leaves_an_event() -> None:
    routes = [
        route("a", type="x"),
        route("b", type="y", paused=True),
        route("c", when="data.total > 9"),
        route("d", type="z", **{"from": "payments"}),
        route("e", type="placed", source="/other"),
    ]
    others = {"a": "type: it looks for x", "b": "paused"}
    left = {"c": "when is false", "e": "source: it looks for /other"}
    found = RouteTable(routes).split("orders", event(ORDER))
    assert (found.taken, found.why, found.unrouted) == ([], left | others, True)
    taking = RouteTable([*routes, route("f", type="placed")]).split("orders", event(ORDER))
    assert [one.route.name for one in taking.taken] == ["f"]
    assert taking.why == left | others
    redriven = event(ORDER, **{redrive.ROUTE: "c"})
    assert RouteTable(routes).split("orders", redriven).why == {"c": "when is false"}


@given(st.lists(st.sampled_from(["placed", "pl*", "*", "other", None]), max_size=6))
def test_the_index_finds_what_asking_each_route_finds(types: list[str | None]) -> None:
    routes = [route(f"r{n}", **({"type": t} if t else {})) for n, t in enumerate(types)]
    table, placed = RouteTable(routes), event(ORDER)
    found = {one.route.name for one in table.match("orders", placed) if isinstance(one, Matched)}
    asked = [one for one in table.explain("orders", placed) if isinstance(one, Matched)]
    assert found == {one.route.name for one in asked}


@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda text: json.dumps(text).encode()))
def test_any_body_has_an_outcome(body: bytes) -> None:
    wanted = route(when="data.a > 1", key="data.b", input="[data]")
    assert only(RouteTable([wanted]).match("orders", CloudEvent("e", "/s", "t", body)))
