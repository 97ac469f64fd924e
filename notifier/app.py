"""The notifier's HTTP API, put together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from notifier.routes import router
from notifier.service import Notifier


def build_app(service: Notifier) -> FastAPI:
    """Return the app whose lifespan starts and stops the service."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await asyncio.to_thread(service.start)
        yield
        await asyncio.to_thread(service.stop)

    app = FastAPI(title="Usher notifier", lifespan=lifespan)
    app.state.service = service
    app.include_router(router)
    return app
