"""The notifier's parts, wired together: record stores, clients, topic server and periodic jobs."""

import asyncio
from asyncio import to_thread
from datetime import timedelta
from functools import partial

import httpx
from redis import Redis

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
from notifier.records.postgres_store import PostgresStore
from notifier.records.redis_store import RedisStore
from notifier.records.store import Store
from notifier.records.trimming import Trimmer
from notifier.redrive import Redriver
from notifier.service_clients import Orchestrator, Starter
from notifier.settings import Settings

MOST_REDRIVES = 4
"""How many callers may redrive at once."""


class Notifier:
    """The running notifier, without its HTTP app."""

    def __init__(self, settings: Settings, lines: LineWriter) -> None:
        self._settings = settings
        self.sidecar = Sidecar(sidecar_http(settings, timeout_seconds=2))
        self._store = store = open_store(settings)
        self.journal = store.journal
        self.notices, self.dead_letters = store.notices, store.dead_letters
        self.orchestrator = Orchestrator(settings.orchestrator_url)
        self.starter = Starter(settings.starter_url)
        self._overview = OverviewReader(self.orchestrator, self.dead_letters)
        self.sources = Sources(self.orchestrator, self.starter, self.not_ready)
        self.redriver = Redriver(self.dead_letters, self.orchestrator, self.starter)
        self.redrives = asyncio.Semaphore(MOST_REDRIVES)
        self.streams = asyncio.Semaphore(settings.max_streams)
        self.metrics = Metrics()
        look_for_stalled = self._overview.look_for_stalled
        watchdog = Watchdog(self.sidecar, self._sidecar_state)
        self._periodic = [
            Periodic("overview", settings.look_seconds, partial(to_thread, self.look, UNWATCHED)),
            Periodic("stalled", settings.look_seconds, partial(to_thread, look_for_stalled)),
            Periodic("sources", sources.SECONDS, self.sources.probe),
            Periodic("watchdog", WATCHDOG_SECONDS, watchdog.look),
        ]
        self._broker: Redis | None = None
        if settings.broker == "redis":
            options = settings.redis_address.options()
            self._broker = Redis(**options, decode_responses=True, socket_timeout=5)
            days, names = timedelta(days=settings.stream_days), BrokerNames(settings.topic_prefix)
            sweep = Trimmer(self._broker, days, names).sweep
            self._periodic.append(
                Periodic("trimmer", settings.trim_seconds, partial(to_thread, sweep))
            )
        inbox = Inbox(self.notices, self.dead_letters, lines, self.metrics)
        self._topics = TopicServer(
            {
                (PUBSUB, Topic.COMPLETIONS): inbox.on_completion,
                (PUBSUB, Topic.DEAD_LETTERS): inbox.on_dead_letter,
            },
            store.answers,
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
        await self._store.close()
        if self._broker:
            self._broker.close()

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
        if why := await self._store.refuses():
            return why
        try:
            metadata = await self.sidecar.metadata()
        except httpx.HTTPError as error:
            return self.sidecar.no_answer(error)
        return not_subscribed(metadata, (Topic.COMPLETIONS, Topic.DEAD_LETTERS))


def open_store(settings: Settings) -> Store:
    """Return the store that the settings choose."""
    if settings.state == "postgres":
        return PostgresStore(settings.postgres, settings.keep)
    own_keys = BrokerNames(settings.topic_prefix).own_keys
    return RedisStore(settings.redis_address, settings.keep, own_keys)
