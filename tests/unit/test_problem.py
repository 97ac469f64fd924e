"""Errors over HTTP: problem details from each service, whatever the error is; a page for people."""

from typing import Any, cast

import httpx
import pytest
from fastapi import FastAPI
from redis import RedisError

from notifier.app import build_app as notifier_app
from notifier.service import Notifier
from orchestrator.app import build_app as orchestrator_app
from orchestrator.service import Orchestrator
from starter.app import build_app as starter_app
from tests.support.asgi import ask, service_of

PROBLEM = "application/problem+json"
BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


class Broken:
    """A part of a service that raises whatever is asked of it."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattr__(self, name: str) -> Any:
        raise self._error


def apps(error: Exception | None = None) -> dict[str, FastAPI]:
    broken = Broken(error or ZeroDivisionError("by zero"))
    service = service_of(notices=broken, dead_letters=broken)
    nowhere = httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(500)))
    orchestrator = orchestrator_app(cast(Orchestrator, service))
    orchestrator.state.reads = broken
    return {
        "starter": starter_app(nowhere, nowhere),
        "orchestrator": orchestrator,
        "notifier": notifier_app(cast(Notifier, service)),
    }


SERVICES = list(apps())


def told(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM)
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    return problem


@pytest.mark.parametrize("service", SERVICES)
def test_what_is_not_there_is_a_problem(service: str) -> None:
    assert "/nowhere" in told(ask(apps()[service], "GET", "/nowhere"), 404)["detail"]


@pytest.mark.parametrize("service", SERVICES)
def test_a_method_that_is_not_taken_is_told_those_that_are(service: str) -> None:
    answer = ask(apps()[service], "DELETE", "/healthz")
    assert "GET" in told(answer, 405)["detail"]
    assert answer.headers["allow"] == "GET"


@pytest.mark.parametrize(
    ("service", "path"),
    [
        ("starter", "/status/%01"),
        ("orchestrator", "/instances?limit=0"),
        ("notifier", "/notices?limit=x"),
    ],
)
def test_a_parameter_that_does_not_fit_is_named_once(service: str, path: str) -> None:
    problem = told(ask(apps()[service], "GET", path), 422)
    [error] = problem["errors"]
    assert problem["detail"] == f"{error['field']}: {error['message']}"


@pytest.mark.parametrize("path", ["/notices/lookup", "/dead-letters/lookup"])
def test_a_body_that_is_no_json_is_a_problem(path: str) -> None:
    answer = ask(
        apps()["notifier"], "POST", path, content=b"{", headers={"content-type": "application/json"}
    )
    assert told(answer, 422)["errors"][0]["field"] == "body"


@pytest.mark.parametrize(
    ("service", "path"), [("orchestrator", "/workflows"), ("notifier", "/notices")]
)
def test_a_fault_of_ours_is_a_problem_too(service: str, path: str) -> None:
    answer = ask(apps()[service], "GET", path, raises=False)
    assert "ZeroDivisionError" in told(answer, 500)["detail"]


def test_a_store_that_is_away_is_503() -> None:
    answer = ask(apps(RedisError("gone"))["notifier"], "GET", "/notices")
    assert "gone" in told(answer, 503)["detail"]


def test_an_engine_that_is_away_is_503() -> None:
    answer = ask(apps(httpx.ConnectError("refused"))["orchestrator"], "GET", "/workflows")
    assert "refused" in told(answer, 503)["detail"]


@pytest.mark.parametrize("path", ["/nowhere", "/static/nowhere", "/notices?limit=0"])
def test_a_browser_is_shown_a_page_with_the_way_home(path: str) -> None:
    answer = ask(apps()["notifier"], "GET", path, headers=BROWSER)
    assert answer.headers["content-type"].startswith("text/html")
    assert 'href="/"' in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("service", SERVICES)
def test_swagger_ui_has_files_of_our_own(service: str) -> None:
    app = apps()[service]
    page = ask(app, "GET", "/docs")
    assert "//" not in page.text.replace("<!--", "").replace("/*", "")
    for file in ("swagger-ui-bundle.js", "swagger-ui.css", "favicon.png"):
        assert f"docs-files/{file}" in page.text
        assert ask(app, "GET", f"/docs-files/{file}").status_code == 200
    told(ask(app, "GET", "/redoc"), 404)
