"""The routes that a platform asks, whatever the service is."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client import Counter

from chassis.app import new_app
from chassis.metrics import ServiceMetrics
from chassis.probes import probes
from tests.support.asgi import ask


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    yield


def app(missing: str | None = None, away: bool = False) -> FastAPI:
    async def not_ready() -> str | None:
        return missing

    async def metadata() -> dict[str, Any]:
        if away:
            raise httpx.ConnectError("refused")
        return {"id": "it"}

    metrics = ServiceMetrics()
    Counter("seen", "Seen.", registry=metrics.registry).inc(3)
    made = new_app("A service", lifespan, ())
    made.include_router(probes(not_ready, metrics.text, metadata))
    return made


@pytest.mark.parametrize(("missing", "status"), [(None, 200), ("the broker is away", 503)])
def test_readiness_says_what_is_missing_and_liveness_does_not_mind(
    missing: str | None, status: int
) -> None:
    ready = ask(app(missing), "GET", "/readyz")
    assert (ready.status_code, ready.json()) == (status, {"status": missing or "ready"})
    assert ask(app(missing), "GET", "/healthz").json() == {"status": "ok"}


def test_metrics_are_in_the_text_format() -> None:
    answer = ask(app(), "GET", "/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "seen_total 3.0" in answer.text


def test_the_sidecar_says_who_it_is_or_is_away() -> None:
    assert ask(app(), "GET", "/sidecar").json() == {"id": "it"}
    away = ask(app(away=True), "GET", "/sidecar")
    assert (away.status_code, away.headers["content-type"]) == (503, "application/problem+json")
    assert "the sidecar does not answer: refused" in away.json()["detail"]


def test_there_is_no_route_to_a_sidecar_that_nobody_may_ask() -> None:
    made = new_app("A service", lifespan, ())

    async def ready() -> None:
        return None

    made.include_router(probes(ready, bytes))
    assert ask(made, "GET", "/sidecar").status_code == 404
    assert ask(made, "GET", "/readyz").status_code == 200
