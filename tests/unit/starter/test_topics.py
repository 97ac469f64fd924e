"""The starter publishes on topics that routes name, and tells who misses them."""

from typing import Any

import httpx
import pytest

from tests.support.asgi import ask
from tests.support.neighbours import Neighbours

EVENT = {"specversion": "1.0", "id": "e-1", "source": "/shop", "type": "placed", "data": {}}
HEADERS = {"content-type": "application/cloudevents+json"}
ROUTE: dict[str, Any] = {
    "name": "order_workflow/start",
    "declared": "orders.py:1",
    "channel": "orders",
    "verb": "start",
    "workflow": "order_workflow",
    "since": None,
    "paused": False,
    "matched": 0,
    "refused": 0,
    "last_matched": None,
    "spec": {},
}


def served(*channels: str | None) -> httpx.Response:
    items = [{**ROUTE, "channel": channel} for channel in channels]
    return httpx.Response(200, json={"items": items, "unrouted_total": 0, "unrouted": []})


def post(around: Neighbours, topic: str) -> httpx.Response:
    return around.ask("POST", "/events", params={"topic": topic}, json=EVENT, headers=HEADERS)


@pytest.mark.parametrize("topic", ["orders", "kafka/orders", "shop:orders"])
def test_an_event_goes_to_the_topic_of_a_route_as_it_is(topic: str) -> None:
    around = Neighbours(orchestrator=served(topic, None))
    assert post(around, topic).json() == {"instance_id": None, "event_id": "e-1"}
    path = f"/v1.0/publish/{topic if '/' in topic else f'pubsub/{topic}'}"
    assert [one.url.path for one in around.asked if one.method == "POST"] == [path]


def test_a_topic_that_no_route_names_is_refused_with_the_nearest() -> None:
    around = Neighbours(orchestrator=served("orders"))
    answer = post(around, "order")
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    told = "no route names 'order'; did you mean 'orders'?"
    assert error == {"field": "topic", "message": told}
    assert around.published == []


def test_the_orchestrator_is_asked_for_a_topic_once() -> None:
    around = Neighbours(orchestrator=served("orders"))
    app = around.app()
    for _ in range(3):
        answer = ask(
            app, "POST", "/events", params={"topic": "orders"}, json=EVENT, headers=HEADERS
        )
        assert answer.status_code == 202
    assert [one.url.path for one in around.asked if one.method == "GET"] == ["/routes"]


@pytest.mark.parametrize("away", [httpx.ConnectError("away"), httpx.Response(503)])
def test_without_the_orchestrator_every_topic_is_published_on(away: Any) -> None:
    around = Neighbours(orchestrator=away)
    assert post(around, "orders").status_code == 202
    assert around.the_one()[0] == "orders"


@pytest.mark.parametrize("topic", ["a|b", "a/b/c", "", "a b", "orders*"])
def test_what_is_no_topic_of_a_route_is_refused(topic: str) -> None:
    around = Neighbours(orchestrator=served(topic))
    assert post(around, topic).status_code == 422
    assert around.published == []
