"""Who may change something: our own pages and programs, but no other web site."""

import socket
from typing import Any

import pytest

from chassis.origin import OwnNamesOnly, objection, own_names, unknown_name
from chassis.problem import misdirected
from starter.settings import Settings
from tests.support.neighbours import Neighbours

HOST = "127.0.0.1:8082"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"host": "starter:8080"},
        {"host": HOST, "origin": f"http://{HOST}", "sec-fetch-site": "same-origin"},
        {"host": HOST, "sec-fetch-site": "none"},
        {"host": "localhost:8082", "origin": "http://localhost:8082"},
        {"host": "[::1]:8082", "origin": "http://[::1]:8082"},
        {"host": "usher.example", "origin": "https://usher.example"},
    ],
)
def test_the_page_itself_and_programs_may(headers: dict[str, str]) -> None:
    assert objection("POST", headers) is None


@pytest.mark.parametrize(
    "headers",
    [
        {"host": HOST, "origin": "http://evil.example"},
        {"host": HOST, "origin": "null"},
        {"host": HOST, "origin": "http://127.0.0.1:8080"},
        {"host": HOST, "origin": f"http://{HOST}", "sec-fetch-site": "cross-site"},
        {"host": HOST, "sec-fetch-site": "same-site"},
        {"origin": "http://evil.example"},
    ],
)
def test_another_site_may_not(headers: dict[str, str]) -> None:
    assert objection("POST", headers) is not None
    assert objection("GET", headers) is None


NAMES = ("usher.example", "*.apps.example", "Proxy.Example:8443", "dot.example.")
OURS = own_names(NAMES, "0.0.0.0")


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "localhost:8082", "LOCALHOST:8082", "localhost.:8082", "usher.localhost"),
        *("127.0.0.1", "127.0.0.1:8082", "10.0.0.7:8082", "[::1]:8082", "[fe80::1]"),
        *("usher.example", "Usher.Example:443", "a.apps.example", "a.b.apps.example:8082"),
        *("proxy.example", "proxy.example:8443", "proxy.example:1", "dot.example", "dot.example."),
        socket.gethostname(),
    ],
)
def test_a_request_under_a_name_of_ours_is_served(host: str) -> None:
    assert unknown_name({"host": host}, OURS) is None


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "evil.example:8082", "127.0.0.1.evil.example:8082", "1.2.3"),
        *("localhost.evil.example", "evillocalhost", "xusher.example", "usher.example.evil"),
        *("apps.example", "evilapps.example", "", ":8082", "127.0.0.1@evil.example", "[evil]"),
        *("localhost,evil.example", "evil.example localhost", "2130706433.evil.example"),
    ],
)
def test_a_request_under_another_name_is_not(host: str) -> None:
    assert "USHER_HOSTS" in str(unknown_name({"host": host}, OURS))


def test_every_name_is_ours_where_the_setting_says_so() -> None:
    assert unknown_name({"host": "anything.example"}, own_names(("*",), "")) is None


REBOUND = {"host": "evil.example:8080"}


@pytest.mark.parametrize("path", ["/status/i-1", "/docs", "/openapi.json", "/healthz", "/nowhere"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
def test_a_rebound_name_reads_nothing_of_the_starter(method: str, path: str) -> None:
    around = Neighbours()
    answer = around.ask(method, path, headers=REBOUND)
    assert answer.status_code == 421
    assert answer.headers["content-type"] == "application/problem+json"
    assert method == "HEAD" or "USHER_HOSTS" in answer.json()["detail"]
    assert around.asked == []


async def test_a_web_socket_under_another_name_is_refused() -> None:
    async def never(*_: Any) -> Any:
        raise AssertionError("it was let through")

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    guard = OwnNamesOnly(never, OURS, misdirected)
    await guard({"type": "websocket", "headers": [(b"host", b"evil.example")]}, never, send)
    assert sent[0]["status"] == 421


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
        {"host": "localhost:8080"},
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
    monkeypatch.setenv("USHER_HOSTS", "usher.example, *.front.example")
    assert {"usher.example", "*.front.example", "127.0.0.1"} < Settings().names
