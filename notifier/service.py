"""The notifier's parts put together: its store, and the gRPC server that topics come to."""

import asyncio
from asyncio import to_thread
from datetime import timedelta
from functools import partial
from typing import Any

import httpx
from redis import Redis, RedisError, ResponseError
from redis.asyncio import Redis as AsyncRedis

from chassis.periodic import Periodic
from chassis.sidecar import Sidecar, not_subscribed, sidecar_http
from chassis.topic_server import TopicServer
from chassis.watchdog import SECONDS as WATCHDOG_SECONDS
from chassis.watchdog import SidecarState, Watchdog, subscriber_state
from contracts.topics import PUBSUB, Topic
from notifier.inbox import Inbox
from notifier.journal import Journal
from notifier.lines import Lines
from notifier.metrics import Metrics
from notifier.neighbours import Orchestrator, Starter
from notifier.page import sources
from notifier.page.overview import GOOD_FOR, UNWATCHED, Overseer, Overview
from notifier.page.sources import Sources
from notifier.records import DEAD_LETTERS, NOTICES
from notifier.settings import Settings
from notifier.store import Record, Shelf
from notifier.trimming import Trimmer

_PROBE = "usher:probe"


class Notifier:
    """Everything that hears and keeps."""

    def __init__(self, settings: Settings, lines: Lines) -> None:
        self._settings = settings
        password = settings.redis_password or None
        options: dict[str, Any] = {
            "password": password,
            "decode_responses": True,
            "socket_timeout": 5,
        }
        self._redis = Redis.from_url(settings.redis_url, **options)
        self._on_loop = AsyncRedis.from_url(settings.redis_url, **options)
        self.sidecar = Sidecar(sidecar_http(settings, timeout_seconds=2))
        keep = settings.keep
        self.journal = Journal(self._redis, settings.redis_url, 2 * keep, password)
        clients = self._redis, self._on_loop
        self.notices = Shelf(*clients, "notices", keep, self.journal, NOTICES)
        self.dead_letters = Shelf(*clients, "dead-letters", keep, self.journal, DEAD_LETTERS)
        self.orchestrator = Orchestrator(settings.orchestrator_url)
        self.starter = Starter(settings.starter_url)
        self._overseer = Overseer(self.orchestrator, self.dead_letters)
        self.sources = Sources(self.orchestrator, self.starter, self.not_ready)
        self.streams = asyncio.Semaphore(settings.max_streams)
        days = timedelta(days=settings.stream_days)
        trimmer = Trimmer(self._redis, days)
        self.metrics = Metrics()
        look_for_stalled = self._overseer.look_for_stalled
        watchdog = Watchdog(self.sidecar, self._sidecar_state)
        self._periodic = [
            Periodic("trimmer", settings.trim_seconds, partial(to_thread, trimmer.sweep)),
            Periodic("overview", settings.look_seconds, partial(to_thread, self.look, UNWATCHED)),
            Periodic("stalled", settings.look_seconds, partial(to_thread, look_for_stalled)),
            Periodic("sources", sources.SECONDS, self.sources.probe),
            Periodic("watchdog", WATCHDOG_SECONDS, watchdog.look),
        ]
        inbox = Inbox(self.notices, self.dead_letters, lines, self.metrics)
        self._topics = TopicServer(
            {
                (PUBSUB, Topic.COMPLETIONS): inbox.on_completion,
                (PUBSUB, Topic.DEAD_LETTERS): inbox.on_dead_letter,
            },
            self._can_keep,
            settings.app_api_token,
        )

    async def start(self) -> None:
        """Open the port; deliveries begin once the sidecar finds the app healthy."""
        await self._topics.start(self._settings.host, self._settings.topic_port)
        for one in self._periodic:
            one.start()

    async def stop(self) -> None:
        """Finish the deliveries that are held, and let go of everything."""
        for one in self._periodic:
            await one.stop()
        await self._topics.stop(self._settings.drain_seconds)
        self.orchestrator.close()
        self.starter.close()
        await self.sidecar.close()
        await self._on_loop.aclose()
        self._redis.close()

    async def _can_keep(self) -> bool:
        """Tell the sidecar whether to deliver."""
        try:
            await self._on_loop.ping()
        except RedisError:
            return False
        return True

    async def _sidecar_state(self) -> SidecarState:
        return await subscriber_state(self.sidecar, self._topics.was_found)

    def stalled(self) -> list[Record]:
        """Return the instances that the engine has stopped, as of the last look for them."""
        return self._overseer.stalled

    def look(self, good_for: int = GOOD_FOR) -> Overview:
        """Look at who waits for what, and count it; see `Overseer.look`."""
        seen = self._overseer.look(good_for)
        self.metrics.overlooked(None if seen.away else seen.marked)
        return seen

    async def not_ready(self) -> str | None:
        """Say what is missing before notices are heard, or None when nothing is."""
        try:
            # Only a write shows whether Redis takes writes.
            await self._on_loop.set(_PROBE, "1", ex=60)
            metadata = await self.sidecar.metadata()
        except ResponseError as error:
            return f"Redis refuses writes: {error}"
        except RedisError as error:
            return f"Redis does not answer: {error}"
        except httpx.HTTPError as error:
            return f"the sidecar does not answer: {error}"
        return not_subscribed(metadata, (Topic.COMPLETIONS, Topic.DEAD_LETTERS))
