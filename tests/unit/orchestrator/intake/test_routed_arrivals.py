"""What the routes make of an entry: an arrival for each, and counts of the rest."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from contracts.routes.route import declared
from contracts.topics import PUBSUB_ROUTES
from orchestrator.intake.arrival import Arrival
from orchestrator.intake.routed_arrivals import KEPT, Router
from orchestrator.ledger.route_times import Seen
from orchestrator.metrics import Metrics
from tests.support.routed import PLACE, route
from tests.unit.test_metrics import samples

PLACED = route("placed", type="placed", key="data.id")
NOW = datetime.now(UTC)


def event(kind: str = "placed", event_id: str = "e", **attributes: Any) -> dict[str, Any]:
    head = {"specversion": "1.0", "id": event_id, "source": "/s", "type": kind}
    return {**head, "data": {"id": "7"}, **attributes}


def arrivals(router: Router, held: Any) -> list[Arrival]:
    return router.arrivals(PUBSUB_ROUTES, "orders", json.dumps(held).encode())


def test_each_event_of_a_batch_is_counted_by_itself() -> None:
    router = Router([PLACED], {})
    found = arrivals(router, [event(), event("moved", "f"), event("moved", "g")])
    assert [one.event.id for one in found] == ["e"]
    assert router.report().unrouted_total == 2
    assert [one.id for one in router.report().unrouted] == ["g", "f"]


def test_an_event_before_its_route_is_unrouted_and_says_so() -> None:
    router = Router([PLACED], {"placed": Seen(NOW, NOW)})
    assert arrivals(router, event(time=(NOW - timedelta(hours=1)).isoformat())) == []
    (unrouted,) = router.report().unrouted
    assert unrouted.why == {"placed": "before_route"}
    assert len(arrivals(router, event(time=NOW.isoformat()))) == 1


def test_the_report_has_the_routes_as_they_can_be_read_again() -> None:
    served = route("r", type="a*", when="data.id == '7'", key="data.id", since="all", paused=True)
    (told,) = Router([served], {"r": Seen(None, NOW)}).report().items
    again, faults = declared(told.name, PLACE, told.spec, {"": 1})
    assert (again, faults) == (served, [])
    assert (told.since, told.unchanged_since) == (None, NOW)


def test_an_unrouted_event_whose_topic_asks_for_it_arrives_with_a_flaw_and_is_counted() -> None:
    rest = route("rest", unmatched="dead-letter")
    router = Router([PLACED, rest], {})
    (found,) = arrivals(router, event("moved"))
    assert found.flaw
    assert (found.route, str(found.flaw.reason)) == ("rest", "unrouted")
    report = router.report()
    assert (report.unrouted_total, len(report.unrouted)) == (1, 1)
    assert {one.name: one.refused for one in report.items} == {"placed": 0, "rest": 1}


def test_metrics_count_by_route_and_by_topic() -> None:
    metrics = Metrics()
    router = Router([PLACED], {}, metrics)
    arrivals(router, event())
    arrivals(router, [event(event_id="f"), event(event_id="g", data={}), event("moved", "h")])
    found = samples(metrics.text())
    assert found["usher_route_events_total,matched,placed"] == 2
    assert found["usher_route_events_total,refused,placed"] == 1
    assert found["usher_unrouted_events_total,orders"] == 1


def test_a_busy_topic_makes_no_unrouted_event_of_another_forgotten() -> None:
    router = Router([PLACED], {})
    for number in range(KEPT):
        arrivals(router, event("moved", f"o-{number}"))
    router.arrivals(PUBSUB_ROUTES, "carts", json.dumps(event("moved", "c")).encode())
    for number in range(KEPT, 2 * KEPT):
        arrivals(router, event("moved", f"o-{number}"))
    kept = [one.id for one in router.report().unrouted]
    assert kept == [*(f"o-{number}" for number in range(2 * KEPT - 1, KEPT, -1)), "c"]
    assert router.report().unrouted_total == 2 * KEPT + 1
