"""Events that no route is for: dead letters where the topic asks for it, and only there."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts import redrive
from contracts.cloudevent import CloudEvent
from contracts.routes.channels import subscriptions
from contracts.routes.incoming import read_incoming
from contracts.routes.matching import RouteRefused, RouteTable, Split
from contracts.routes.route import Route, combined
from contracts.routes.spec import read_spec
from contracts.topics import PUBSUB_ROUTES
from tests.support.routed import event, route

NOW = datetime.now(UTC)
PLACED = route("placed", type="placed", key="data.id")
BIG = route("big", when="data.total > 100")


def unmatched(name: str = "rest", **fields: Any) -> Route:
    return route(name, unmatched="dead-letter", **fields)


def split(one: CloudEvent, *routes: Route, **since: datetime) -> Split:
    return RouteTable(routes, since).split("orders", one)


def reasons(found: Split) -> list[tuple[str, str]]:
    return [
        (one.route.name, str(one.refused.reason))
        for one in found.taken
        if isinstance(one, RouteRefused)
    ]


def test_an_event_that_no_route_is_for_is_refused_with_what_each_route_said() -> None:
    found = split(event({"total": 5}, "moved"), PLACED, BIG, unmatched())
    assert reasons(found) == [("rest", "unrouted")]
    assert found.unrouted
    (one,) = found.taken
    assert isinstance(one, RouteRefused)
    assert one.refused.message == (
        "no route of orders is for it, of type 'moved'; big: when is false; placed: type: it "
        "looks for placed"
    )
    assert found.why == {"big": "when is false", "placed": "type: it looks for placed"}


@pytest.mark.parametrize("data", [{"id": "7"}, {}])
def test_an_event_that_a_route_takes_or_refuses_is_not(data: Any) -> None:
    found = split(event(data), PLACED, unmatched())
    assert [one.route.name for one in found.taken] == ["placed"]
    assert not found.unrouted


def test_only_the_topic_that_asks_for_it_has_them() -> None:
    table = RouteTable([PLACED, unmatched(**{"from": "carts"})])
    assert table.split("orders", event({}, "moved")).taken == []
    assert reasons(table.split("carts", event({}, "moved"))) == [("rest", "unrouted")]


def test_an_event_before_its_route_is_not_dead_lettered() -> None:
    old = event({"id": "7"}, time=(NOW - timedelta(hours=1)).isoformat())
    found = split(old, PLACED, unmatched(), placed=NOW)
    assert (found.taken, found.why) == ([], {"placed": "before_route", "rest": "before_route"})
    other = event({}, "moved", time=old.attributes["time"])
    assert reasons(split(other, PLACED, unmatched(), placed=NOW)) == [("rest", "unrouted")]
    assert split(other, PLACED, unmatched(), rest=NOW).taken == []


def test_while_a_route_is_paused_no_route_is_for_its_events() -> None:
    paused = route("placed", type="placed", key="data.id", paused=True)
    found = split(event({"id": "7"}), paused, unmatched())
    assert (reasons(found), found.why) == ([("rest", "unrouted")], {"placed": "paused"})
    assert split(event({}), PLACED, unmatched(paused=True)).taken != []
    assert split(event({}, "moved"), PLACED, unmatched(paused=True)).taken == []


def test_a_redrive_goes_through_all_routes_again_also_new_ones() -> None:
    old = (NOW - timedelta(hours=1)).isoformat()
    again = {redrive.ROUTE: "rest", redrive.EXTENSION: "1", "time": old}
    found = split(event({"id": "7"}, **again), PLACED, unmatched(), placed=NOW)
    assert [one.route.name for one in found.taken] == ["placed"]
    still = split(event({}, "moved", **again), PLACED, unmatched(), placed=NOW, rest=NOW)
    assert reasons(still) == [("rest", "unrouted")]


def test_an_event_that_cannot_be_read_has_its_own_reason() -> None:
    (broken,) = read_incoming(b'{"specversion": "1.0", "id": "1", "data": ', "orders")
    ((_, reason),) = reasons(split(broken, PLACED, unmatched()))
    assert reason == "invalid_json"


@pytest.mark.parametrize(
    ("fields", "field", "said"),
    [
        ({"unmatched": "drop"}, "unmatched", "should be 'dead-letter'"),
        ({"start": "w"}, "unmatched", "a route has one of"),
        ({"key": "data.id"}, "key", "means nothing for unmatched; remove it"),
        ({"type": "a"}, "type", "means nothing for unmatched; remove it"),
        ({"from": None}, "from", "required: the topic of the events"),
    ],
)
def test_what_it_cannot_say_is_a_fault(fields: dict[str, Any], field: str, said: str) -> None:
    given = {"from": "orders", "unmatched": "dead-letter", **fields}
    _, wrong = read_spec({name: value for name, value in given.items() if value})
    assert any(at == field and said in message for at, message in wrong), wrong


def test_a_topic_says_it_once() -> None:
    _, faults = combined([unmatched("a"), unmatched("b"), unmatched("c", **{"from": "x"})], {})
    assert [str(one) for one in faults] == ["routes.yaml:1: b.from: a is for the same topic"]


def test_it_keeps_the_workers_of_its_topic() -> None:
    assert subscriptions([PLACED, unmatched()]) == {(PUBSUB_ROUTES, "orders")}
