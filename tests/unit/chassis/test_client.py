"""The client: what it sends, what it makes of an answer, and how a call fails."""

import asyncio
from typing import Any

import httpx
import pytest

from chassis.client import Declined, Misread, Unanswered, send, send_async, stream
from contracts import calls
from contracts.http import Accepted
from contracts.records import Redrive
from tests.support.answers import INSTANCE, RECORD

PROBLEM = {"title": "No", "status": 422, "detail": "not like this", "reason": "invalid_input"}


class Service:
    """Answers one thing, and keeps what it was asked."""

    def __init__(self, answer: httpx.Response | Exception) -> None:
        self._answer = answer
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer

    def send(self, call: calls.Call[Any]) -> Any:
        with httpx.Client(transport=httpx.MockTransport(self)) as http:
            return send(http, call, "http://service")


def test_a_call_is_sent_as_it_is_and_without_what_is_none() -> None:
    service = Service(httpx.Response(202, json={"instance_id": "i", "event_id": "e"}))
    call = calls.start("a/b", b"1.10", instance_id="i-1", event_id="key")
    assert service.send(call) == Accepted(instance_id="i", event_id="e")
    (asked,) = service.asked
    assert asked.url.raw_path == b"/workflows/a%2Fb?instance_id=i-1"
    assert asked.content == b"1.10"
    assert asked.headers["content-type"] == "application/json"
    assert asked.headers["idempotency-key"] == "key"


def test_what_a_later_version_adds_is_kept_and_what_an_earlier_one_lacks_is_not_made_up() -> None:
    given = {name: value for name, value in RECORD.items() if name not in ("digest", "others")}
    given |= {"disposition": "postponed", "added": [1]}
    found = Service(httpx.Response(200, json=given)).send(calls.event("/s", "e"))
    assert (found.disposition, found.digest, found.others) == ("postponed", None, 0)
    assert found.model_dump(mode="json", exclude_unset=True) == given


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (httpx.Response(200, text="<html>"), "what it answers is no JSON object"),
        (httpx.Response(200, json=[1]), "what it answers is no JSON object"),
        (httpx.Response(200, text="[" * 100_000), "what it answers is no JSON object"),
        (httpx.Response(200, json={**INSTANCE, "status": None}), "status: "),
        (httpx.Response(200, json={**INSTANCE, "created_at": "noon"}), "created_at: "),
    ],
)
def test_an_answer_that_does_not_fit_is_misread(answer: httpx.Response, said: str) -> None:
    with pytest.raises(Misread, match=said):
        Service(answer).send(calls.instance("i-1"))


def test_an_error_is_told_with_its_problem() -> None:
    with pytest.raises(Declined, match="not like this") as told:
        Service(httpx.Response(422, json=PROBLEM)).send(calls.doctor())
    assert told.value.status == 422
    assert told.value.problem is not None
    assert told.value.problem.reason == "invalid_input"


@pytest.mark.parametrize("body", ["<html>", "", '{"detail": 7}', "[]", "x" * 10**6])
def test_an_error_without_a_problem_is_told_by_its_text(body: str) -> None:
    with pytest.raises(Declined) as told:
        Service(httpx.Response(502, text=body)).send(calls.doctor())
    assert told.value.problem is None
    assert len(str(told.value)) < 3000


def test_nobody_there_is_told_on_either_kind_of_client() -> None:
    service = Service(httpx.ConnectTimeout(""))

    async def ask() -> None:
        transport = httpx.MockTransport(service)
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as http:
            await send_async(http, calls.doctor(), timeout=1)

    with pytest.raises(Unanswered, match="ConnectTimeout"):
        service.send(calls.doctor())
    with pytest.raises(Unanswered, match="ConnectTimeout"):
        asyncio.run(ask())


def test_a_stream_is_read_message_by_message() -> None:
    text = ': ping\n\ndata: {"count": 1, "skipped": 0}\n\nevent: odd\ndata: [1]\n\n'
    with httpx.Client(
        transport=httpx.MockTransport(Service(httpx.Response(200, text=text)))
    ) as one:
        told = stream(one, calls.redrive(Redrive()), "http://service")
        assert next(told).count == 1
        with pytest.raises(Misread):
            next(told)


def test_a_stream_that_is_refused_tells_the_problem() -> None:
    service = Service(httpx.Response(503, json={**PROBLEM, "status": 503}))
    with (
        httpx.Client(transport=httpx.MockTransport(service)) as http,
        pytest.raises(Declined, match="not like this"),
    ):
        next(stream(http, calls.redrive(Redrive()), "http://service"))
