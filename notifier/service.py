"""The notifier's parts put together: its store, and the gRPC server that topics come to."""

import asyncio
import threading
from asyncio import to_thread
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import httpx
from dapr.ext.grpc import App
from redis import Redis, RedisError, ResponseError

from chassis.periodic import Periodic
from chassis.sidecar import Sidecar, not_subscribed, sidecar_http
from chassis.watchdog import SECONDS as WATCHDOG_SECONDS
from chassis.watchdog import SidecarState, Watchdog, subscriber_state
from contracts.topics import PUBSUB, Topic
from notifier.guard import guards
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

ANY_SIZE = -1
"""What the broker holds has to be taken, whatever its size: the sidecar would try it again without
end. Its size is checked before it is read."""
_PROBE = "usher:probe"
RAW = {"rawPayload": "true"}
"""Entries come as the broker has them. A sidecar that decodes them turns integers above 2^53 and
`1.0` into other numbers, and never delivers one that is no CloudEvent."""


class Notifier:
    """Everything that hears and keeps."""

    def __init__(self, settings: Settings, lines: Lines) -> None:
        self._settings = settings
        password = settings.redis_password or None
        self._redis = Redis.from_url(
            settings.redis_url, password=password, decode_responses=True, socket_timeout=5
        )
        self.sidecar = Sidecar(sidecar_http(settings, timeout_seconds=2))
        keep = settings.keep
        self.journal = Journal(self._redis, settings.redis_url, 2 * keep, password)
        self.notices = Shelf(self._redis, "notices", keep, self.journal, NOTICES)
        self.dead_letters = Shelf(self._redis, "dead-letters", keep, self.journal, DEAD_LETTERS)
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
        self._deliveries = ThreadPoolExecutor(settings.handler_threads)
        self._app = App(
            thread_pool=self._deliveries,
            options=[("grpc.max_receive_message_length", ANY_SIZE)],
            interceptors=guards(settings.app_api_token),
        )
        letters = Topic.DEAD_LETTERS
        completions = self._app.subscribe(
            PUBSUB, Topic.COMPLETIONS, metadata=RAW, dead_letter_topic=letters
        )
        completions(inbox.on_completion)
        self._app.subscribe(PUBSUB, letters, metadata=RAW)(inbox.on_dead_letter)
        self._was_found = False
        self._app.register_health_check(self._is_healthy)

    async def start(self) -> None:
        """Open the port; deliveries begin once the sidecar finds the app healthy."""
        address = (self._settings.topic_port, self._settings.host)
        threading.Thread(target=self._app.run, args=address, daemon=True).start()
        for one in self._periodic:
            one.start()

    async def stop(self) -> None:
        """Cut deliveries off: one that was not answered comes again, and is kept once."""
        for one in self._periodic:
            await one.stop()
        await to_thread(self._app.stop)
        await to_thread(self._deliveries.shutdown, wait=True, cancel_futures=True)
        self.orchestrator.close()
        self.starter.close()
        await self.sidecar.close()
        self._redis.close()

    def _is_healthy(self) -> None:
        """Answer the sidecar's probe, by raising where nothing could be kept."""
        self._was_found = True
        self._redis.ping()

    async def _sidecar_state(self) -> SidecarState:
        return await subscriber_state(self.sidecar, self._was_found)

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
            # Only a write shows whether writes are taken.
            await to_thread(self._redis.set, _PROBE, "1", ex=60)
            metadata = await self.sidecar.metadata()
        except ResponseError as error:
            return f"Redis refuses writes: {error}"
        except RedisError as error:
            return f"Redis does not answer: {error}"
        except httpx.HTTPError as error:
            return f"the sidecar does not answer: {error}"
        return not_subscribed(metadata, (Topic.COMPLETIONS, Topic.DEAD_LETTERS))
