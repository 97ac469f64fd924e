"""Who may change something: our own pages and programs, but no other web site."""

import pytest

from notifier.origin import objection
from starter.settings import Settings
from tests.support.neighbours import Neighbours

HOST = "127.0.0.1:8082"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"host": "anything"},
        {"host": HOST, "origin": f"http://{HOST}", "sec-fetch-site": "same-origin"},
        {"host": HOST, "sec-fetch-site": "none"},
        {"host": "localhost:8082", "origin": "http://localhost:8082"},
        {"host": "[::1]:8082", "origin": "http://[::1]:8082"},
        {"host": "usher.example", "origin": "https://usher.example"},
    ],
)
def test_the_page_itself_and_programs_may(headers: dict[str, str]) -> None:
    assert objection("POST", headers, ("usher.example",)) is None


@pytest.mark.parametrize(
    "headers",
    [
        {"host": HOST, "origin": "http://evil.example"},
        {"host": HOST, "origin": "null"},
        {"host": HOST, "origin": "http://127.0.0.1:8080"},
        {"host": HOST, "origin": f"http://{HOST}", "sec-fetch-site": "cross-site"},
        {"host": HOST, "sec-fetch-site": "same-site"},
        # A name of theirs that they let point at us: then origin and host agree.
        {"host": "evil.example:8082", "origin": "http://evil.example:8082"},
        {"host": "127.0.0.1.evil.example:8082", "origin": "http://127.0.0.1.evil.example:8082"},
        {"origin": "http://evil.example"},
    ],
)
def test_another_site_may_not(headers: dict[str, str]) -> None:
    assert objection("POST", headers, ()) is not None
    assert objection("GET", headers, ()) is None


DOORS = ("/events", "/start/Ada", "/workflows/hello_workflow", "/instances/i-1/events/approval")
FOREIGN = [
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"origin": "http://evil.example"},
    {"origin": "null"},
]
EVENT = {
    "specversion": "1.0",
    "id": "e-1",
    "source": "/shop",
    "type": "order.placed",
    "data": {"workflow": "hello_workflow"},
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("headers", FOREIGN)
def test_another_site_publishes_nothing_through_the_starter(
    door: str, headers: dict[str, str]
) -> None:
    around = Neighbours()
    content_type = {"content-type": "application/cloudevents+json"}
    answer = around.ask("POST", door, json=EVENT, headers={**content_type, **headers})
    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"
    assert "another site" in answer.json()["detail"]
    assert around.asked == []


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"host": "starter:8080"},
        {"host": HOST, "origin": f"http://{HOST}", "sec-fetch-site": "same-origin"},
    ],
)
def test_programs_and_its_own_pages_publish_through_the_starter(
    door: str, headers: dict[str, str]
) -> None:
    around = Neighbours()
    content_type = {"content-type": "application/cloudevents+json"}
    answer = around.ask("POST", door, json=EVENT, headers={**content_type, **headers})
    assert answer.status_code == 202
    assert len(around.published) == 1


def test_more_names_of_the_starter_are_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STARTER_PAGE_HOSTS", "usher.example,front.example")
    assert Settings().page_hosts == ("usher.example", "front.example")
