"""`usher watch`: what it prints of the stream, and how it goes on after a break."""

import json
from collections.abc import Iterator

import httpx
import pytest

from contracts.records import DeadLetter, Notice
from tests.support import answers
from tests.unit.usher.commands.test_wait import NOTICE
from usher.client import Client
from usher.errors import Unreachable
from usher.watching import follow


def _event(name: str, data: object, at: str = "") -> bytes:
    place = f"id: {at}\r\n" if at else ""
    text = data if isinstance(data, str) else json.dumps(data)
    return f"{place}event: {name}\r\ndata: {text}\r\n\r\n".encode()


class Notifier:
    """Streams the parts that it has, one connection each; then nothing answers."""

    def __init__(self, *connections: bytes | None) -> None:
        self._left = list(connections)
        self.after: list[str | None] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/stream"
        self.after.append(request.url.params.get("after"))
        part = self._left.pop(0)
        if part is None:
            raise httpx.ConnectError("refused")
        return httpx.Response(200, content=part)

    def follow(self, said: list[str]) -> Iterator[Notice | DeadLetter]:
        urls = {"notifier": "http://n", "starter": "http://s", "orchestrator": "http://o"}
        http = httpx.Client(transport=httpx.MockTransport(self))
        return follow(Client(http, urls), said.append, lambda _: None)  # type: ignore[arg-type]


HELLO = b": ping\r\n\r\n" + _event("hello", "7-0")


def test_each_record_comes_once_over_a_break_in_the_stream() -> None:
    first = HELLO + _event("notice", NOTICE, "8-0")
    second = _event("hello", "8-0") + _event("dead_letter", answers.LETTER, "9-0")
    gone = _event("hello", "9-0") + _event("notice", "null", "10-0")
    notifier, said = Notifier(first, None, None, second, gone, first), list[str]()
    following = notifier.follow(said)
    kinds = [type(next(following)).__name__ for _ in range(3)]
    assert kinds == ["Notice", "DeadLetter", "Notice"]
    assert notifier.after == [None, "8-0", "8-0", "8-0", "9-0", "10-0"]
    assert [line.split()[0:4] for line in said] == [
        ["Following", "completions", "and", "dead"],
        ["The", "notifier", "cannot", "be"],
        ["The", "notifier", "is", "back."],
    ]


def test_a_break_before_the_first_record_goes_on_after_where_it_began() -> None:
    notifier = Notifier(HELLO, _event("hello", "7-0") + _event("notice", NOTICE, "8-0"))
    next(notifier.follow([]))
    assert notifier.after == [None, "7-0"]


def test_a_notifier_that_does_not_answer_at_first_is_told() -> None:
    with pytest.raises(Unreachable):
        next(Notifier(None).follow([]))
