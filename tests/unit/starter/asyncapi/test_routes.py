"""`/asyncapi.json` and its page, as the starter serves them."""

import json
from collections.abc import Sequence
from typing import Any

import httpx
import pytest
from pydantic import BaseModel

from starter.app import build_app
from starter.asyncapi.document import document
from starter.asyncapi.page import page, prose
from tests.support.asgi import ask
from tests.support.described import HOSTILE_SCHEMA, of_the_tests, served, workflow
from tests.support.routed import route


def answer(path: str, orchestrator: Any) -> httpx.Response:
    sidecar, behind = (
        httpx.AsyncClient(transport=httpx.MockTransport(orchestrator), base_url="http://it")
        for _ in range(2)
    )
    return ask(build_app(sidecar, behind), "GET", path)


def orchestrator(request: httpx.Request) -> httpx.Response:
    workflows, routes = of_the_tests()
    answers: dict[str, Sequence[BaseModel]] = {"/workflows": workflows, "/routes": routes}
    items = answers[request.url.path]
    more = {"unrouted_total": 0, "unrouted": []} if request.url.path == "/routes" else {}
    return httpx.Response(
        200, json={"items": [one.model_dump(mode="json") for one in items], **more}
    )


def test_the_document_has_the_routes_and_workflows_of_the_orchestrator() -> None:
    found = answer("/asyncapi.json", orchestrator)
    assert found.status_code == 200
    assert found.headers["content-type"] == "application/json"
    assert found.json() == json.loads(json.dumps(document(*of_the_tests())))
    assert "shop_order.start" in found.json()["operations"]


def test_the_page_shows_each_channel_and_route_and_loads_nothing() -> None:
    found = answer("/asyncapi", orchestrator)
    assert found.status_code == 200
    for text in ("workflow-requests", "orders", "shop_order/start", "com.acme.order.placed"):
        assert f">{text}<" in found.text
    assert "<script" not in found.text
    assert "src=" not in found.text
    assert "script-src" not in found.headers["content-security-policy"]
    assert found.headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha")


@pytest.mark.parametrize("away", [httpx.ConnectError("refused"), httpx.Response(503, text="no")])
def test_without_the_orchestrator_it_says_so(away: httpx.Response | Exception) -> None:
    def gone(_: httpx.Request) -> httpx.Response:
        if isinstance(away, Exception):
            raise away
        return away

    found = answer("/asyncapi.json", gone)
    assert found.status_code == 503
    assert found.headers["content-type"] == "application/problem+json"
    assert "the orchestrator has the workflows and routes, and does not answer" in found.text
    shown = answer("/asyncapi", gone)
    assert shown.status_code == 503
    assert "The orchestrator has the workflows and routes, and does not answer" in shown.text


def test_text_of_others_stays_text_on_the_page() -> None:
    hostile = "<script>x</script>\u202e{{ 7 }}"
    one = route("a", type=hostile, when=f"data.x == '{hostile}`'", **{"from": "b"})
    named = workflow(hostile, {**HOSTILE_SCHEMA, "description": hostile}, hostile)
    shown = bytes(page(document([named], served(one))).body).decode()
    assert "<script" not in shown
    assert "\u202e" not in shown
    assert "&lt;script&gt;x&lt;/script&gt;\\u202e{{ 7 }}" in shown


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("a `b` c", "a <code>b</code> c"),
        ("`` a`b ``", "<code>a`b</code>"),
        ("<b>`<i>`", "&lt;b&gt;<code>&lt;i&gt;</code>"),
        ("one ` alone", "one ` alone"),
        ("", ""),
    ],
)
def test_code_in_text_is_shown_as_code(text: str, html: str) -> None:
    assert prose(text) == html
