"""The starter's neighbours, the sidecar and the orchestrator, as answers that a test tells."""

import json
from typing import Any

import httpx
from fastapi import FastAPI

from starter.app import build_app
from tests.support.asgi import ask

PROBLEM = "application/problem+json"


class Neighbours:
    """The sidecar and the orchestrator: each answers as told, and keeps what it was asked."""

    def __init__(
        self,
        sidecar: httpx.Response | Exception | None = None,
        orchestrator: httpx.Response | Exception | None = None,
    ) -> None:
        self._answers = {"sidecar": sidecar, "orchestrator": orchestrator}
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self._answers[request.url.host]
        if isinstance(answer, Exception):
            raise answer
        return answer or httpx.Response(204)

    def ask(self, method: str, path: str, **request: Any) -> httpx.Response:
        return ask(self.app(), method, path, **request)

    def app(self) -> FastAPI:
        """A starter between them, to be asked more than once."""
        transport = httpx.MockTransport(self)
        sidecar, orchestrator = (
            httpx.AsyncClient(transport=transport, base_url=f"http://{name}")
            for name in ("sidecar", "orchestrator")
        )
        return build_app(sidecar, orchestrator)

    @property
    def published(self) -> list[tuple[str, dict[str, Any]]]:
        """Topic and CloudEvent of everything that was published."""
        sent = [request for request in self.asked if request.method == "POST"]
        assert {r.headers["content-type"] for r in sent} <= {"application/cloudevents+json"}
        assert all(r.url.path.startswith("/v1.0/publish/pubsub/") for r in sent)
        return [(r.url.path.rsplit("/", 1)[1], json.loads(r.content)) for r in sent]

    def the_one(self) -> tuple[str, dict[str, Any]]:
        (only,) = self.published
        return only


def refused(path: str, status: int = 422, **request: Any) -> dict[str, Any]:
    """Post what is refused: a problem, and nothing published."""
    around = Neighbours()
    answer = around.ask("POST", path, **request)
    assert answer.status_code == status
    assert answer.headers["content-type"] == PROBLEM
    assert around.published == []
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == status
    assert problem["detail"]
    return problem


def fields(problem: dict[str, Any]) -> list[str | None]:
    return [error["field"] for error in problem["errors"]]
