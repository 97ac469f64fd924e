"""The notifier's parts, wired together: record stores, clients, topic server and periodic jobs."""

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
from contracts.brokers import BrokerNames
from contracts.http import Instance
from contracts.topics import PUBSUB, Topic
from notifier.inbox import Inbox
from notifier.lines import LineWriter
from notifier.metrics import Metrics
from notifier.page import sources
from notifier.page.overview import GOOD_FOR, UNWATCHED, Overview, OverviewReader
from notifier.page.sources import Sources
from notifier.records.journal import Journal
from notifier.records.shapes import DEAD_LETTERS, NOTICES
from notifier.records.store import RecentRecords
from notifier.records.trimming import Trimmer
from notifier.redrive import Redriver
from notifier.service_clients import Orchestrator, Starter
from notifier.settings import Settings

_PROBE = "usher:probe"
MOST_REDRIVES = 4
"""How many callers may redrive at once."""


class Notifier:
    """The running notifier, without its HTTP app."""

    def __init__(self, settings: Settings, lines: LineWriter) -> None:
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
        keep, names = settings.keep, BrokerNames(settings.topic_prefix)
        url, own_keys = settings.redis_url, names.own_keys
        self.journal = Journal(self._redis, url, 2 * keep, own_keys, password)
        clients = self._redis, self._on_loop
        self.notices = RecentRecords(*clients, "notices", keep, self.journal, NOTICES)
        self.dead_letters = RecentRecords(
            *clients, "dead-letters", keep, self.journal, DEAD_LETTERS
        )
        self.orchestrator = Orchestrator(settings.orchestrator_url)
        self.starter = Starter(settings.starter_url)
        self._overview = OverviewReader(self.orchestrator, self.dead_letters)
        self.sources = Sources(self.orchestrator, self.starter, self.not_ready)
        self.redriver = Redriver(self.dead_letters, self.orchestrator, self.starter)
        self.redrives = asyncio.Semaphore(MOST_REDRIVES)
        self.streams = asyncio.Semaphore(settings.max_streams)
        days = timedelta(days=settings.stream_days)
        trimmer = Trimmer(self._redis, days, names)
        self.metrics = Metrics()
        look_for_stalled = self._overview.look_for_stalled
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
        """Open the port. Deliveries begin when the sidecar finds the app healthy."""
        await self._topics.start(self._settings.host, self._settings.topic_port)
        for job in self._periodic:
            job.start()

    async def stop(self) -> None:
        """Finish the running deliveries, and close everything."""
        await asyncio.gather(*(job.stop() for job in self._periodic))
        await self._topics.stop(self._settings.drain_seconds)
        self.orchestrator.close()
        self.starter.close()
        await self.sidecar.close()
        await self._on_loop.aclose()
        self._redis.close()

    async def _can_keep(self) -> bool:
        """Return whether records can be kept: only then may the sidecar deliver."""
        try:
            await self._on_loop.ping()
        except RedisError:
            return False
        return True

    async def _sidecar_state(self) -> SidecarState:
        return await subscriber_state(self.sidecar, self._topics.was_found)

    def stalled(self) -> list[Instance]:
        """Return the stalled instances, as of the last look."""
        return self._overview.stalled

    def look(self, good_for: int = GOOD_FOR) -> Overview:
        """Return the overview of waits and parked events, and set the metric from it."""
        seen = self._overview.look(good_for)
        self.metrics.set_blocked(None if seen.away else seen.blocked)
        return seen

    async def not_ready(self) -> str | None:
        """Return why notices cannot be received or kept now; None if they can."""
        try:
            # Only a write shows whether Redis takes writes.
            await self._on_loop.set(_PROBE, "1", ex=60)
            metadata = await self.sidecar.metadata()
        except ResponseError as error:
            return f"Redis refuses writes: {error}"
        except RedisError as error:
            return f"Redis does not answer: {error}"
        except httpx.HTTPError as error:
            return self.sidecar.no_answer(error)
        return not_subscribed(metadata, (Topic.COMPLETIONS, Topic.DEAD_LETTERS))
