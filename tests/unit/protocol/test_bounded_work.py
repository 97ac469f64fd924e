"""Whatever strangers send, the work to read it grows with its length, not with its square."""

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chassis.tracing import continuing
from contracts import printable, strict_json
from contracts.cloudevent import CloudEvent, kept
from contracts.entry import read_batch, read_entry
from contracts.expiry import deadline
from contracts.letters import letter_id
from contracts.limits import MAX_ENTRY_BYTES
from contracts.reading import instance_named
from contracts.refusal import Refused
from contracts.routes.incoming import read_incoming
from contracts.routes.matching import RouteTable
from notifier.page.rendering import brief, payload
from notifier.records.reading import read_dead_letter, read_notice
from orchestrator.metrics import Metrics
from starter.inbox import read_events
from tests.support.growth import MOST, growth
from tests.support.routed import route

Read = Callable[[bytes], object]
_METRICS = Metrics()


def _attribute(use: Callable[[CloudEvent], object]) -> Read:
    """Read an entry whose attributes are all this text."""

    def read(body: bytes) -> None:
        text = body.decode(errors="replace")
        names = ("time", "expiration", "ttlinseconds", "sequence", "traceparent", "tracestate")
        event = CloudEvent("e-1", "/test", "test", b"", attributes=dict.fromkeys(names, text))
        use(event)

    return read


def _traced(event: CloudEvent) -> None:
    start = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-"
    with continuing({"traceparent": start + event.attributes["traceparent"]}, "read"):
        pass
    with continuing(event.attributes, "read"):
        pass


def _whole_entry(body: bytes) -> None:
    event = read_entry(body)
    instance_named(event)
    event.original()
    letter_id("topic", event)


def _data(body: bytes) -> None:
    _whole_entry(b'{"id": "1", "source": "/s", "type": "t", "data": ' + body + b"}")


_ROUTES = RouteTable(
    [
        route("a", key="data.key", when="has(data.a) && size(data.a) > 1"),
        route("b", when="data == event.data", input="[data]"),
        route("c", when="data.exists(x, x == 1) || data.contains('a')"),
    ]
)


def _routed(body: bytes) -> None:
    for message in (body, b"[" + body + b"]", b'{"specversion": "1.0", "data": ' + body + b"}"):
        for event in read_incoming(message, "orders"):
            _ROUTES.match("orders", event)


READERS: dict[str, Read] = {
    "a message of a route": _routed,
    "an entry": _whole_entry,
    "an entry's data": _data,
    "JSON": strict_json.loads,
    "what a dead letter keeps": kept,
    "a batch": lambda body: read_batch(b"[" + body + b"]"),
    "a batch at the door": lambda body: read_events(
        {"content-type": "application/cloudevents-batch+json"}, body
    ),
    "an event at the door": lambda body: read_events(
        {"content-type": "application/cloudevents+json"}, body
    ),
    "a dead letter": read_dead_letter,
    "a notice": lambda body: read_notice(CloudEvent("1", "/s", "t", body)),
    "a time": _attribute(lambda event: _METRICS.served("topic", event.attributes["time"])),
    "an expiry": _attribute(lambda event: deadline(event, datetime.now(UTC))),
    "a trace": _attribute(_traced),
    "text to look at": lambda body: printable.lines(body.decode(errors="replace")),
    "a payload on the page": lambda body: payload(body.decode(errors="replace")),
    "a line on the page": lambda body: brief([body.decode(errors="replace")]),
}

PIECES = ['"', "\\", '\\"', "{", "}", "[", "]", ":", ",", '"a":', '"a":1,', "1", "-", ".", "e9"]
PIECES += [" ", "\n", "\t", "\\u0001", "\\ud800", "9" * 40, "1e-999999,", "[],", "{},", '"",', "\0"]
PIECES += ["é", "\x1b[1m", "\u202e", "T00:00:00Z", "a=b,", "null,", '{"a":', "[[", "]]", "true"]
STARTS = ["", "[", "{", '{"a":', '"', '["', '{"id": "1", "data": ', '{"id": "1", "data": "', "1."]
ENDS = ["", "]", "}", '"', '"}', '"]', "x", "\\", "\n", "1]", '":1}', "0}"]


def quietly(read: Read) -> Read:
    def tried(body: bytes) -> None:
        with suppress(Refused, ValueError, RecursionError):
            read(body)

    return tried


def pumped(start: str, piece: str, end: str) -> Callable[[int], bytes]:
    def of(size: int) -> bytes:
        return (start + piece * (size // len(piece.encode())) + end).encode()

    return of


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=40)
@given(
    st.sampled_from(STARTS),
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=3).map("".join),
    st.sampled_from(ENDS),
)
def test_the_work_of_a_reader_is_linear_in_what_it_reads(
    name: str, start: str, piece: str, end: str
) -> None:
    assert growth(quietly(READERS[name]), pumped(start, piece, end)) < MOST


def _keys(size: int) -> bytes:
    return json.dumps({f"k{n}": n for n in range(size // 10)}).encode()


def _one_key_again(size: int) -> bytes:
    return _keys(size)[:-1] + b', "k0": 1, "k1": 1}'


def _last_key_twice(size: int) -> bytes:
    return _keys(size)[:-1] + b', "last": 1, "last": 1}'


@pytest.mark.parametrize("many", [_keys, _one_key_again, _last_key_twice])
@pytest.mark.parametrize("name", ["an entry", "an entry's data", "JSON", "an event at the door"])
def test_keys_of_every_kind_are_read_in_linear_time(
    name: str, many: Callable[[int], bytes]
) -> None:
    assert growth(quietly(READERS[name]), many) < MOST


@pytest.mark.parametrize(
    "pump",
    [
        pytest.param(lambda size: b'{"id": "' + b'\\"' * (size // 2), id="a string without an end"),
        pytest.param(
            lambda size: b'{"a": "' + b'\\"' * (size // 2) + b"\\", id="ends in an escape"
        ),
        pytest.param(lambda size: b'{"a": [' + b'"\\",' * (size // 4), id="strings within strings"),
    ],
)
def test_what_once_took_a_minute_is_read_in_linear_time(pump: Callable[[int], bytes]) -> None:
    assert growth(quietly(READERS["an entry"]), pump) < MOST


class Unread(bytes):
    """Bytes that nobody may look into."""

    def decode(self, *_: object, **__: object) -> str:
        raise AssertionError("it is too large to be parsed")


def test_what_is_too_large_is_refused_before_it_is_parsed() -> None:
    large = Unread(MAX_ENTRY_BYTES + 1)
    with pytest.raises(Refused, match="the limit is"):
        strict_json.loads(large)
    assert kept(large).keys() == {"data_base64"}
