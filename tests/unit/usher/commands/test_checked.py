"""Publishing, event, send and control ask first what would become of the event."""

import json
from typing import Any

import httpx
import pytest

from tests.unit.usher.commands.test_app import ACCEPTED, Services

REFUSED = {
    "disposition": "dead_lettered",
    "reason": "unknown_workflow",
    "field": "workflow",
    "message": "no workflow is named 'helo'; did you mean 'hello'? There are: hello",
}
SENDING = [
    (("publish", "helo", '{"n": 1.10}'), {"workflow": "helo", "input": {"n": 1.1}}),
    (("publish", "w", "--key", "k"), {"workflow": "w", "key": "k"}),
    (("event", "trip-1", "go", "2"), {"instance_id": "trip-1", "event": "go", "data": 2}),
    (("terminate", "trip-1"), {"instance_id": "trip-1", "control": "terminate"}),
    (
        ("purge", "trip-1", "--reason", "old"),
        {"instance_id": "trip-1", "control": "purge", "reason": "old"},
    ),
    (("send", "orders", "{}", "--type", "t"), {}),
]


def services(**explanation: Any) -> Services:
    return Services(httpx.Response(202, json=ACCEPTED), **explanation)


@pytest.mark.parametrize(("args", "data"), SENDING)
def test_what_would_be_dead_lettered_is_not_sent(args: tuple[str, ...], data: Any) -> None:
    asked = services(**REFUSED)
    result = asked.run(*args)
    assert (result.exit_code, asked.requests) == (5, [])
    (request,) = asked.checked
    assert json.loads(request.content)["data"] == data
    assert request.url.params.get("topic") == ("orders" if args[0] == "send" else None)
    for said in ("dead-lettered as unknown_workflow", "did you mean 'hello'?", "--force"):
        assert said in result.stderr


@pytest.mark.parametrize("args", [args for args, _ in SENDING])
def test_with_force_it_is_sent_unchecked(args: tuple[str, ...]) -> None:
    asked = services(**REFUSED)
    assert asked.run(*args, "--force").exit_code == 0
    assert (len(asked.requests), asked.checked) == (1, [])


def test_one_route_that_would_refuse_the_event_is_enough() -> None:
    fine = {"disposition": "started", "route": "fine/start"}
    broken = {**REFUSED, "reason": "no_key", "route": "broken/start"}
    asked = services(disposition="started", routes=[fine, broken])
    result = asked.run("send", "orders", "{}", "--type", "t")
    assert (result.exit_code, asked.requests) == (5, [])
    assert "(route broken/start)" in result.stderr
    assert "as no_key" in result.stderr


@pytest.mark.parametrize(
    ("explanation", "said"),
    [
        ({"disposition": "parked", "instance_id": "trip-1"}, "trip-1 takes no events yet"),
        ({"disposition": "duplicate", "known": "started"}, "served before, as started"),
        (
            {"disposition": "unrouted", "not_matched": {"trip/start": "type: it looks for x"}},
            "No route is for it: trip/start: type: it looks for x.",
        ),
    ],
)
def test_what_a_person_may_not_expect_is_told_and_the_event_is_sent(
    explanation: dict[str, Any], said: str
) -> None:
    asked = services(**explanation)
    result = asked.run("event", "trip-1", "go")
    assert (result.exit_code, len(asked.requests)) == (0, 1)
    assert said in result.stderr


def test_where_the_orchestrator_is_away_the_event_is_sent_and_that_is_told() -> None:
    class Away(Services):
        def __call__(self, request: httpx.Request) -> httpx.Response:
            if request.url.path == "/explain":
                raise httpx.ConnectError("refused")
            return super().__call__(request)

    asked = Away(httpx.Response(202, json=ACCEPTED))
    result = asked.run("publish", "w")
    assert (result.exit_code, len(asked.requests)) == (0, 1)
    assert "Not checked before it is sent: The orchestrator cannot be reached" in result.stderr
