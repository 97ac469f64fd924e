"""A notifier with records in memory, and with neighbours whose answers a test tells."""

import asyncio
import json
from collections.abc import Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import urlencode

import httpx
from fastapi import FastAPI

from contracts.http import Instance
from notifier.app import build_app
from notifier.metrics import Metrics
from notifier.page.overview import OverviewReader
from notifier.page.sources import Sources
from notifier.records.shapes import DEAD_LETTERS, NOTICES, Shape
from notifier.redrive import Redriver
from notifier.service import Notifier
from notifier.service_clients import Orchestrator, Starter
from tests.support import answers
from tests.support.answers import WAIT, WORKFLOW
from tests.support.asgi import ask, service_of

NOTICE: dict[str, Any] = {**answers.NOTICE, "output": "<script>"}
LETTER: dict[str, Any] = {**answers.LETTER, "attempts": 2}
PROBLEM = {"title": "It cannot be served", "status": 422, "detail": "no"}
ACCEPTED = {"instance_id": "i-1", "event_id": "e-1"}
ANSWERS: dict[str, Any] = {
    "/workflows": {"items": [WORKFLOW]},
    "/waiting": {"items": [WAIT], "next": None},
    "/parked": {"items": []},
    "/routes": {"items": [], "unrouted_total": 0, "unrouted": []},
    "/explain": {"disposition": "started"},
    "/events": ACCEPTED,
    "became": None,
    "/workflows/hello_workflow": ACCEPTED,
    "/instances/i-2/events/approval": {"instance_id": "i-2", "event_id": "e-1"},
}


EVENTS = ("GET", "/events")


class Kept:
    """Records of the notifier, as JSON."""

    def __init__(self, shape: Shape[Any], *records: dict[str, Any]) -> None:
        self._shape = shape
        self.records = {record["id"]: dict(record) for record in records}

    def each(self) -> Iterator[Any]:
        return (self._shape.read(name, json.dumps(one)) for name, one in self.records.items())

    def get(self, record_id: str) -> Any:
        found = self.records.get(record_id)
        return self._shape.read(record_id, json.dumps(found)) if found else None

    def change(self, record_id: str, change: Any) -> Any:
        changed = change(self.get(record_id))
        if changed:
            self.records[record_id] = changed.model_dump(mode="json", exclude_unset=True)
        return self.get(record_id)

    def count(self) -> int:
        return len(self.records)


class House:
    """The notifier with its neighbours: each path answers as told; what was sent is kept."""

    def __init__(self, **answers: Any) -> None:
        self.answers = {**ANSWERS, **{f"/{path}": told for path, told in answers.items()}}
        self.sent: list[httpx.Request] = []
        self.letters = Kept(DEAD_LETTERS, LETTER)
        self.notice = NOTICE
        self.metrics = Metrics()
        self.stalled: list[Instance] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request)
        path = request.url.path
        # GET /events is the orchestrator's; POST /events is the starter's.
        told = self.answers.get("became" if (request.method, path) == EVENTS else path)
        if callable(told):
            told = told(request)
        if isinstance(told, Exception):
            raise told
        if isinstance(told, httpx.Response):
            return told
        return httpx.Response(404 if told is None else 200, json=told)

    def ask(
        self, method: str, path: str, form: dict[str, str] | None = None, **request: Any
    ) -> httpx.Response:
        if form:
            request["content"] = urlencode(form).encode()
        return ask(self.app(), method, path, **request)

    def app(self) -> FastAPI:
        """A notifier between them, to be asked more than once."""
        transport = httpx.MockTransport(self)
        service = service_of(
            journal=SimpleNamespace(last=lambda: "7-0"),
            notices=Kept(NOTICES, self.notice),
            dead_letters=self.letters,
            orchestrator=Orchestrator("http://orchestrator", transport),
            metrics=self.metrics,
            starter=Starter("http://starter", transport),
        )
        parts = service.dead_letters, service.orchestrator, service.starter
        service.redriver, service.redrives = Redriver(*parts), asyncio.Semaphore(1)
        service._overview = OverviewReader(service.orchestrator, service.dead_letters)
        service.sources = Sources(service.orchestrator, service.starter, service.not_ready)
        service.stalled = lambda: self.stalled
        service.look = partial(Notifier.look, cast(Notifier, service))
        self.service = service
        return build_app(cast(Notifier, service))

    def published(self) -> list[httpx.Request]:
        return [one for one in self.sent if one.url.host == "starter"]
