"""Odd, large and slow HTTP requests: each gets a problem in words, and every service goes on."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest

from contracts.limits import MAX_BODY_BYTES
from tests.support.driver import Driver, eventually, fresh

GETS = {
    "starter": ["/status/{}", "/nowhere/{}"],
    "orchestrator": [
        "/instances?limit={}",
        "/instances?cursor={}",
        "/instances?status={}",
        "/instances/{}",
        "/instances/{}/history",
        "/waiting?limit={}",
        "/waiting?cursor={}",
        "/events?source={}&id={}",
        "/events?instance_id={}",
        "/parked?limit={}",
    ],
    "notifier": [
        "/notices?limit={}",
        "/notices?cursor={}",
        "/notices?instance_id={}",
        "/dead-letters?limit={}",
        "/dead-letters?cursor={}",
        "/dead-letters?reason={}&workflow={}",
        "/timeline/{}",
        "/?limit={}",
        "/?instance={}&workflow={}&outcome={}&reason={}",
        "/instances/{}",
        "/instances/x?steps={}",
        "/instances/x?sent={}",
        "/start/{}",
    ],
}
POSTS = {
    "starter": [
        "/events",
        "/start/{}",
        "/workflows/{}",
        "/workflows/hello_workflow?key={}",
        "/workflows/hello_workflow?instance_id={}",
        "/instances/{}/events/e",
        "/instances/i/events/{}",
        "/instances/i/events/e?ttl_seconds={}",
    ],
    "orchestrator": ["/explain", "/events/lookup"],
    "notifier": [
        "/start/hello_workflow",
        "/start/{}",
        "/instances/{}/events/{}",
        "/instances/{}/resume",
        "/dead-letters/{}/redrive",
        "/dead-letters/{}/redriven?attempts={}",
        "/dead-letters/redrive",
        "/notices/lookup",
        "/dead-letters/lookup",
    ],
}
ODD = ["9" * 30, "-1", "9" * 5000, "%00", "%ff%fe", "%D9%A1", "%ED%A0%80", "1e999", "NaN", ""]
ODD += ["a%0Ab", "%1b%5b2J", "..%2f", "%F0%9F%98%80", "18446744073709551616-0", "0.5", "a%2Fb"]
BODIES = [
    (b"\xff\xfe=1&key=\xff", "application/x-www-form-urlencoded"),
    (b"key=%ED%A0%80&input.name=%00", "application/x-www-form-urlencoded"),
    (b"a=1&" * 5000, "application/x-www-form-urlencoded"),
    (b"--x\r\n\r\n\xff\r\n--x--\r\n", "multipart/form-data; boundary=x"),
    (b"\xff", "application/json"),
    (b"[" * 5000, "application/json"),
    (b"9" * 5000, "application/json"),
    (b'{"keys": ["\\ud800"], "ids": ["\\ud800"]}', "application/json"),
    (b'{"keys": [1], "ids": [null]}', "application/json"),
    (b"[1]", "application/cloudevents-batch+json"),
    (b'"x"', "application/cloudevents+json"),
]


def explained(answer: httpx.Response) -> bool:
    """Whether it was served, or refused in words."""
    kind = answer.headers.get("content-type", "")
    page = answer.status_code == 422 and kind.startswith(("text/html", "application/json"))
    return answer.is_success or answer.is_redirect or "problem+json" in kind or page


@pytest.mark.parametrize("service", GETS)
def test_no_odd_parameter_is_a_fault_of_ours(usher: Driver, service: str) -> None:
    for path in GETS[service]:
        for odd in ODD:
            answer = usher.http.get(usher.url(service, path.replace("{}", odd)))
            assert answer.status_code < 500, answer.request.url
            assert explained(answer), answer.request.url


@pytest.mark.parametrize("service", POSTS)
def test_no_odd_body_is_a_fault_of_ours(usher: Driver, service: str) -> None:
    for path in POSTS[service]:
        for odd in ODD if "{}" in path else [""]:
            for body, kind in BODIES if odd in ("", ODD[0]) else BODIES[:1]:
                url = usher.url(service, path.replace("{}", odd))
                answer = usher.http.post(url, content=body, headers={"content-type": kind})
                assert answer.status_code < 500, (url, body[:40])
                assert explained(answer), (url, body[:40])


def test_an_event_name_with_a_slash_is_delivered(usher: Driver) -> None:
    instance = fresh("nobody")
    for name in ("a/b", "a%2Fb"):
        answer = usher.post(f"/instances/{instance}/events/{name}")
        assert answer.status_code == 202
        assert answer.json()["instance_id"] == instance

    def parked() -> list[str]:
        items = usher.get("orchestrator", "/parked", limit=1000)["items"]
        return [one["event"] for one in items if one["instance_id"] == instance]

    eventually(parked, lambda names: names == ["a/b", "a/b"])


def large() -> Iterator[bytes]:
    for _ in range(21):
        yield b"[]," * 350_000


@pytest.mark.parametrize("service", ["starter", "orchestrator", "notifier"])
@pytest.mark.parametrize("path", ["/events", "/explain", "/start/hello_workflow", "/nowhere"])
def test_a_body_that_is_too_large_is_refused_before_it_is_read(
    usher: Driver, service: str, path: str
) -> None:
    for content in (b"".join(large()), large()):
        answer = usher.http.post(usher.url(service, path), content=content)
        assert answer.status_code == 413
        assert answer.headers["content-type"] == "application/problem+json"
        assert f"{MAX_BODY_BYTES:,}" in answer.json()["detail"]


def test_slow_heads_do_not_keep_others_out(usher: Driver) -> None:
    port = httpx.URL(usher.url("starter", "/")).port or 0
    with ExitStack() as open_:
        slow = [
            open_.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(200)
        ]
        for one in slow:
            one.sendall(b"POST /events HTTP/1.1\r\nHost: localhost\r\nX-A: ")
        assert usher.post(f"/start/{fresh('ada')}").status_code == 202
        slow[0].settimeout(30)
        assert slow[0].recv(1) == b""  # closed by the starter


def test_the_streams_are_bounded_and_say_when_to_come_again(usher: Driver) -> None:
    url, held = usher.url("notifier", "/stream"), 100
    with ExitStack() as open_, httpx.Client(timeout=30, trust_env=False, limits=ANY) as http:
        read = []
        for _ in range(held):
            answer = open_.enter_context(http.stream("GET", url))
            assert answer.status_code == 200
            read.append(answer.iter_text())
            assert "hello" in next(read[-1])
        refused = open_.enter_context(http.stream("GET", url))
        assert refused.status_code == 503
        assert refused.headers["content-type"] == "application/problem+json"
        assert int(refused.headers["retry-after"]) > 0
        assert usher.http.get(usher.url("notifier", "/")).status_code == 200

    def again() -> int:
        with usher.http.stream("GET", url) as answer:
            return answer.status_code

    eventually(again, lambda status: status == 200)


ANY = httpx.Limits(max_connections=None)
