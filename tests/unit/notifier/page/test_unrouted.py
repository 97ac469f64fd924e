"""Routes on the page: which there are, which one an instance came by, and what was unrouted."""

import re
from typing import Any

import httpx
import pytest

from contracts.served_routes import UnroutedEvent
from notifier.page.unrouted import explained
from tests.support.answers import INSTANCE, PARKED, RECORD, ROUTES, SEEN
from tests.support.asgi import ask
from tests.support.house import LETTER, House

EVENT = ROUTES["unrouted"][0]


@pytest.mark.parametrize(
    ("why", "said"),
    [
        ("type: it looks for placed", "it looks for type placed"),
        ("source: it looks for /shop*", "it looks for source /shop*"),
        ("paused", "it is paused"),
        ("before_route", "the event is older than the route"),
        ("when is false", "its condition is false"),
        ("when: data.country is missing", "data.country is missing"),
        ("something new", "something new"),
    ],
)
def test_a_reason_is_told_in_words(why: str | None, said: str) -> None:
    event = UnroutedEvent.model_validate({**EVENT, "why": {"w/start": why, "gone": "paused"}})
    assert explained(event) == [("w/start", said), ("gone", "it is paused")]


def text(house: House, path: str = "/routes") -> str:
    answer = house.ask("GET", path)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", answer.text))


def test_the_last_events_and_their_number_are_shown_with_the_reasons() -> None:
    shown = text(House(routes=ROUTES))
    assert "21 since the orchestrator started; these are the last 1." in shown
    assert "returned on orders" in shown
    assert "Explain event e-1" in shown
    assert "w/start: it looks for type placed" in shown
    assert "orders starts w" in shown
    assert "1,234 matched, last at" in shown


def test_without_events_or_routes_it_says_so() -> None:
    empty = {"items": [], "unrouted_total": 0, "unrouted": []}
    assert "None: without routes, no topics of yours are read." in text(House(routes=empty))
    assert "No workflow declares a route." in text(House(routes=empty))
    none = {**ROUTES, "unrouted_total": 0, "unrouted": []}
    assert "None. Each event on the topics of routes found one." in text(House(routes=none))


def test_without_the_orchestrator_the_last_answer_is_shown_with_its_age() -> None:
    house = House(routes=httpx.ConnectError("gone"))
    app = house.app()
    first = ask(app, "GET", "/routes").text
    assert first.count("Not known yet.") == 2
    assert "nothing of that is known yet" in first
    house.answers["/routes"] = ROUTES
    assert "data-stale" not in ask(app, "GET", "/routes").text
    house.answers["/routes"] = httpx.Response(503)
    later = ask(app, "GET", "/routes").text
    assert "routes and unrouted events are shown as of" in later
    assert "returned" in later


def test_text_of_others_stays_text() -> None:
    hostile = "<script>\u202e{{ 7 }}"
    event = {**EVENT, "id": hostile, "source": hostile, "type": hostile, "channel": hostile}
    event["why"] = {hostile: hostile}
    answer = House(routes={**ROUTES, "unrouted": [event]}).ask("GET", "/routes")
    assert answer.text.count("<script>") == 0
    assert "\u202e" not in answer.text
    assert "&lt;script&gt;\\u202e{{ 7 }}" in answer.text


def test_the_live_page_counts_what_was_unrouted() -> None:
    assert "<b>21</b> unrouted" in House(routes=ROUTES).ask("GET", "/").text
    old = House(routes=None).ask("GET", "/").text  # an orchestrator that has no routes yet
    assert "<b>0</b> unrouted" in old
    assert "data-stale" not in old
    away = House(routes=httpx.ConnectError("gone")).ask("GET", "/").text
    assert "<b>\u2013</b> unrouted" in away


def test_an_instance_a_dead_letter_and_a_parked_event_name_their_route() -> None:
    history: dict[str, Any] = {"items": [], "next": None}
    house = House(parked={"items": [{**PARKED, "route": "w/paid"}]}, became=None)
    house.answers |= {
        "/instances/i-1": INSTANCE,
        "/instances/i-1/history": history,
        "became": {**RECORD, "route": "w/start", "at": SEEN},
    }
    shown = house.ask("GET", "/instances/i-1").text
    assert 'started by route <a href="/routes#route-w/start"><bdi>w/start</bdi></a>' in shown
    assert "by route w/start" in text(house, "/instances/i-1").partition("Timeline")[2]
    house.answers["became"] = RECORD
    assert "by route" not in house.ask("GET", "/instances/i-1").text
    assert "by route w/paid" in text(house, "/")
    house.letters.records["l-1"]["route"] = "w/cancel"
    assert LETTER["id"] == "l-1"
    assert ", route w/cancel" in text(house, "/")
