"""`unmatched: dead-letter`: an event that no route is for is put aside, on the real runtime."""

from typing import Any

from contracts import identity
from tests.integration.test_audit import _audit, _without
from tests.integration.test_routed_audit import steady
from tests.support.command import run_usher
from tests.support.driver import Driver, eventually, fresh, letters

ROUTE = "returns-unmatched"


def _publish(usher: Driver, kind: str, event_id: str, **data: Any) -> None:
    usher.cloudevent("returns", event_id, data, type=kind, source="/shop")


def _attempts(usher: Driver, event_id: str) -> list[tuple[str, str, int]]:
    return [(one["reason"], one["route"], one["attempts"]) for one in letters(usher, event_id)]


def _findings(usher: Driver, event_id: str) -> list[tuple[str | None, str]]:
    return [(one.route, one.missing) for one in _audit(usher).findings if one.id == event_id]


def test_an_event_that_no_route_is_for_is_dead_lettered_once(usher: Driver) -> None:
    event_id, order_id = fresh("event"), fresh("order")
    for _ in range(3):
        _publish(usher, "com.acme.parcel.lost", event_id, order_id=order_id)
    _publish(usher, "com.acme.return.sent", fresh("event"), order_id=order_id)
    assert usher.notice(f"returned_workflow-{order_id}")["outcome"] == "COMPLETED"
    eventually(lambda: usher.pending("returns"), lambda n: n == 0)
    assert eventually(lambda: _attempts(usher, event_id), bool) == [("unrouted", ROUTE, 1)]
    served = {one["name"]: one for one in run_usher(usher, "routes", "list")["items"]}
    assert served[ROUTE]["refused"] >= 1
    assert served[ROUTE]["verb"] == "unmatched"
    metrics = usher.http.get(usher.url("orchestrator", "/metrics")).text
    assert f'usher_route_events_total{{outcome="refused",route="{ROUTE}"}}' in metrics
    assert 'usher_route_events_total{outcome="matched",route="returned_workflow/start"}' in metrics
    assert 'usher_unrouted_events_total{topic="returns"}' in metrics


def test_p2_a_dead_letter_of_an_unrouted_event_is_accounted_for(usher: Driver) -> None:
    steady(usher)
    event_id = fresh("event")
    _publish(usher, "com.acme.parcel.lost", event_id)
    eventually(lambda: letters(usher, event_id), bool)
    eventually(lambda: usher.pending("returns"), lambda n: n == 0)
    assert _findings(usher, event_id) == []
    key = identity.event_key("/shop", event_id, ROUTE)
    with usher.redis(decode_responses=True) as redis:
        (letter,) = letters(usher, event_id)
        kept: Any = redis.hget("usher:dead-letters", letter["id"])
        redis.hdel("usher:dead-letters", letter["id"])
        try:
            ((route, missing),) = _findings(usher, event_id)
            assert (route, "no such dead letter" in missing) == (ROUTE, True)
        finally:
            redis.hset("usher:dead-letters", letter["id"], kept)
    with _without(usher, f"event-{key}"):
        assert _findings(usher, event_id) == []  # its dead letter speaks for it


def test_p9_a_redrive_sends_it_through_the_routes_again(usher: Driver) -> None:
    event_id = fresh("event")
    _publish(usher, "com.acme.parcel.lost", event_id)
    eventually(lambda: letters(usher, event_id), bool)
    done = run_usher(usher, "redrive", "--id", event_id, "--yes")
    assert [one["done"] for one in done["items"]] == ["published"]
    eventually(lambda: _attempts(usher, event_id), lambda found: found == [("unrouted", ROUTE, 2)])
    eventually(lambda: usher.pending("returns"), lambda n: n == 0)
    assert _findings(usher, event_id) == []


def test_other_topics_do_not_ask_for_it(usher: Driver) -> None:
    event_id = fresh("event")
    usher.cloudevent("visits", event_id, {}, type="com.acme.unknown", source="/shop")

    def unrouted() -> list[str]:
        return [one["id"] for one in run_usher(usher, "routes", "list")["unrouted"]]

    eventually(unrouted, lambda ids: event_id in ids)
    assert letters(usher, event_id) == []
