"""The notifier's HTTP API: what was announced, and what could not be served."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import FastAPI, Query, Response

from notifier.service import Notifier
from notifier.store import Record

MOST = 1000
Limit = Annotated[int, Query(ge=1, description=f"at most {MOST}; larger is clamped")]


def build_app(service: Notifier) -> FastAPI:
    """Return the app whose lifespan starts and stops the service."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await asyncio.to_thread(service.start)
        yield
        await asyncio.to_thread(service.stop)

    app = FastAPI(title="Usher notifier", lifespan=lifespan)

    @app.get("/notices")
    def notices(instance_id: str | None = None, limit: Limit = 100) -> dict[str, Any]:
        """How workflows ended, newest first."""

        def wanted(notice: Record) -> bool:
            return instance_id is None or notice["instance_id"] == instance_id

        return {"items": service.notices.newest(wanted, min(limit, MOST)), "next": None}

    @app.get("/dead-letters")
    def dead_letters(
        reason: str | None = None, workflow: str | None = None, limit: Limit = 100
    ) -> dict[str, Any]:
        """What could not be served, newest first."""

        def wanted(letter: Record) -> bool:
            data = letter["event"].get("data")
            named = data.get("workflow") if isinstance(data, dict) else None
            return reason in (None, letter["reason"]) and workflow in (None, named)

        return {"items": service.dead_letters.newest(wanted, min(limit, MOST)), "next": None}

    @app.get("/healthz")
    def healthz() -> dict[str, str]:
        """The process runs."""
        return {"status": "ok"}

    @app.get("/readyz")
    def readyz(response: Response) -> dict[str, str]:
        """Notices are heard: the store answers, and the sidecar has our subscriptions."""
        missing = service.not_ready()
        response.status_code = 503 if missing else 200
        return {"status": missing or "ready"}

    return app
