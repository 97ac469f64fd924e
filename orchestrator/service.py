"""The orchestrator's parts put together, started and stopped in the order that loses nothing."""

import asyncio
import socket
from datetime import timedelta
from functools import partial

import httpx
import structlog
from dapr.aio.clients import DaprClient
from dapr.clients.exceptions import DaprInternalError
from dapr.clients.health import DaprHealth
from dapr.ext.workflow.aio import DaprWorkflowClient
from grpc import Call, RpcError
from tenacity import retry, retry_if_exception_type, stop_after_delay

from chassis.periodic import Periodic
from chassis.sidecar import Sidecar, not_subscribed, sidecar_http
from chassis.topic_server import Handler, TopicServer
from chassis.watchdog import SECONDS as WATCHDOG_SECONDS
from chassis.watchdog import SidecarState, Watchdog
from contracts.finding import Finding
from contracts.large_bodies import LargeBodies
from contracts.topics import LEDGER_STORE, PUBSUB, PUBSUB_ORDERED, Topic
from orchestrator.api.accounts import Accountant
from orchestrator.api.doctor import SUBSCRIBED, Seen, admit, examine
from orchestrator.api.instances import shown
from orchestrator.api.parts import Reads
from orchestrator.authoring.catalogue import Catalogue
from orchestrator.clock import SECONDS as SCHEDULE_SECONDS
from orchestrator.clock import Schedules
from orchestrator.engine.client import Engine, has_worker
from orchestrator.engine.instance_ids import InstanceIds
from orchestrator.engine.sidecar_state import sidecar_state
from orchestrator.hosting.executor import Executor
from orchestrator.hosting.liveness import DRAIN_SECONDS, Liveness
from orchestrator.hosting.registration import QUIET, OwnActivities, build_worker
from orchestrator.hosting.session import Session
from orchestrator.inbox import Inbox
from orchestrator.intake.assembly import assemble
from orchestrator.intake.first_replica import left_to_the_first, without
from orchestrator.intake.redelivery import SECONDS as REDELIVERY_SECONDS
from orchestrator.intake.redelivery import Redelivery
from orchestrator.intake.routed_arrivals import Router
from orchestrator.intake.served_routes import ServedRoutes
from orchestrator.ledger.known_endings import KnownEndings
from orchestrator.ledger.ledger import Ledger
from orchestrator.ledger.route_times import RENEWED_SECONDS, RouteTimes
from orchestrator.ledger.store import Store
from orchestrator.metrics import Metrics
from orchestrator.outbox import Outbox
from orchestrator.runs.announcer import LAST_TURN_SECONDS, Announcer, from_last_turn
from orchestrator.runs.child_workflows import ChildIds
from orchestrator.runs.reconciler import Reconciler
from orchestrator.settings import Settings

ANY_SIZE = -1
"""gRPC's default of 4 MiB is soon exceeded: by the ids of 110,000 instances, by what is parked."""

_log = structlog.get_logger()


class Orchestrator:
    """Everything that talks to the sidecar, on one event loop but for the workflow worker."""

    def __init__(self, settings: Settings, catalogue: Catalogue) -> None:
        self.settings = settings
        self.catalogue = catalogue
        self.metrics = Metrics()
        self.sidecar = Sidecar(sidecar_http(settings, timeout_seconds=2))
        self._closing = False
        self.liveness = Liveness()

    async def start(self) -> Reads:
        """Connect once the sidecar answers, start the worker, and only then open the port that
        deliveries come to. Return what the HTTP API reads."""
        self.settings.export_to_sdk()
        await asyncio.to_thread(DaprHealth.wait_for_sidecar)
        self._client = DaprClient(max_grpc_message_length=ANY_SIZE)
        workflows = DaprWorkflowClient(logger_options=QUIET, max_grpc_message_length=ANY_SIZE)
        self.engine = Engine(workflows, self.sidecar)
        types = await self._examine()
        in_redis = types.get(LEDGER_STORE) == "state.redis"
        self._left = left_to_the_first(self.settings.replica, types)
        routes = self.catalogue.routes
        self._store = store = Store(self._client, self.settings.ledger_days * 24 * 3600, in_redis)
        self.ledger = Ledger(store)
        endings = KnownEndings(self.ledger)
        outbox = Outbox(self._client)
        announcer = Announcer(self.catalogue.workflows, self.engine, self.ledger, outbox)
        wait = timedelta(seconds=self.settings.parking_seconds)
        intake = assemble(store, self.ledger, self.engine, outbox, announcer, self.catalogue, wait)
        self.parking = intake.parking
        times = RouteTimes(store, routes)
        router = Router(routes, await times.seen(), self.metrics)
        loop = asyncio.get_running_loop()
        wait_seconds = LAST_TURN_SECONDS if self.settings.announce == "last_turn" else 0
        in_turn = from_last_turn(announcer.announce, loop, wait_seconds, lambda: self._closing)
        claim = ChildIds(self.ledger, self.engine).claim
        own = OwnActivities(
            in_turn, announcer.announce, self.ledger.may_run, intake.held_starts.due, claim
        )
        sdk = build_worker(self.catalogue, own)
        self._runtime = sdk.runtime
        place = f"{socket.gethostname()}-{self.settings.port}"
        self._session = Session(store, place, self.settings.task_deaths)
        await self._session.begin()
        threads = self.settings.activity_threads
        self._executor = Executor(sdk, self._session, self.metrics, threads, self._has_ended)
        self.liveness.watch(sdk, self._executor.turns)
        await asyncio.to_thread(self._runtime.start)
        self._inbox = Inbox(intake.dispatcher, self.metrics, router)
        schedules = Schedules(routes, times, router.tick, self._inbox.serve)
        self._routes = ServedRoutes(
            self.catalogue, times, router, schedules.serve, intake.routed_workflows
        )
        handlers: dict[tuple[str, str], Handler] = {
            (PUBSUB, Topic.REQUESTS): self._inbox.on_request,
            (PUBSUB_ORDERED, Topic.EVENTS): self._inbox.on_event,
            **{one: partial(self._inbox.on_route, *one) for one in self._routes.subscribed},
        }
        heard = {one: handlers[one] for one in without(handlers, self._left)}
        self._topics = TopicServer(heard, self.takes_work, self.settings.app_api_token)
        await self._topics.start(self.settings.host, self.settings.topic_port)
        watchdog = Watchdog(self.sidecar, self._sidecar_state)
        self._periodic = [
            Periodic("watchdog", WATCHDOG_SECONDS, watchdog.look),
            Periodic("liveness", 1, self.liveness.look),
            Periodic("tasks", 0.5, self._executor.look),
            Periodic("schedules", SCHEDULE_SECONDS, schedules.look),
            Periodic("routes", RENEWED_SECONDS, self._routes.renew),
        ]
        looks = self.settings.sweep_looks
        self._instance_ids = InstanceIds(self.engine)
        self._reconciler = Reconciler(
            self._instance_ids, endings, announcer, self.catalogue.workflows, looks
        )
        seconds = self.settings.sweep_seconds
        self._periodic.append(Periodic("reconciler", seconds, self._sweep))
        self._redelivery = Redelivery(self.parking, intake.held_starts, self.engine)
        self._periodic.append(Periodic("redelivery", REDELIVERY_SECONDS, self._redelivery.look))
        self._periodic.append(Periodic("parked", 4 * seconds, self._look_at_parked, seconds))
        for one in self._periodic:
            one.start()
        return Reads(
            settings=self.settings,
            workflows=self.catalogue.workflows,
            engine=self.engine,
            ledger=self.ledger,
            endings=endings,
            parking=self.parking,
            accountant=Accountant(self.ledger, self.engine, self.parking),
            facts=intake.facts,
            router=router,
            large_bodies=LargeBodies(),
            findings=self.findings,
            apply_routes=self._routes.apply,
        )

    async def stop(self) -> None:
        """Take no more, finish what is held, then let go of the sidecar."""
        self._closing = True
        for one in self._periodic:
            await one.stop()
        ended = self.liveness.ended
        await self._topics.stop(DRAIN_SECONDS if ended else self.settings.drain_seconds)
        if not ended:
            await self._session.end()
        await asyncio.to_thread(self._runtime.shutdown)
        self._executor.close()
        await self._client.close()
        await self.sidecar.close()

    @retry(retry=retry_if_exception_type(httpx.HTTPError), stop=stop_after_delay(30), reraise=True)
    async def _examine(self) -> dict[str, str]:
        """Refuse to start where events would be lost. Return the components with their types."""
        metadata = await self.sidecar.metadata()
        for finding in admit(Seen(metadata, self.settings, started=False)):
            _log.warning("this may break a promise", finding=str(finding))
        return {one["name"]: str(one.get("type")) for one in metadata["components"]}

    async def findings(self) -> list[Finding]:
        """Return what would break a promise, as far as it can be seen from here."""
        found = [await self.engine.state(one) for one in sorted(self._reconciler.stalled)]
        stalled = [await shown(self.engine, state) for state in found if state]
        seen = Seen(
            await self.sidecar.metadata(),
            self.settings,
            stalled=stalled,
            unknown=self._reconciler.unknown_workflows,
            without_activity=self._without_activity(),
            routed=self._routes.subscribed,
            left=self._left,
        )
        return examine(seen)

    def _without_activity(self) -> dict[str, str]:
        called = self._executor.unknown_activities
        return {one: called[one] for one in self._reconciler.not_ended(called)}

    async def _has_ended(self, instance_id: str) -> bool:
        return bool(await self.ledger.endings([instance_id]))  # which leaves out what is broken

    async def _sweep(self) -> None:
        await self._reconciler.sweep()
        self.metrics.stalled.set(len(self._reconciler.stalled))
        self.metrics.unknown.set(len(self._reconciler.unknown_workflows))
        self.metrics.without_activity.set(len(self._without_activity()))

    async def _look_at_parked(self) -> None:
        waiting = await self.parking.waiting(await self._instance_ids.ids())
        held = [entry for entry in waiting if entry.held]
        self.metrics.held_starts.set(len(held))
        self.metrics.parked([entry.at for entry in waiting if not entry.held])
        await self._redelivery.find(waiting)

    async def _sidecar_state(self) -> SidecarState:
        metadata = await self.sidecar.metadata()
        return await sidecar_state(metadata, self._topics.was_found, self._stream_is_open)

    async def _stream_is_open(self) -> bool:
        return not self.liveness.ended and await asyncio.to_thread(
            self._runtime.wait_for_worker_ready, 0.1
        )

    async def takes_work(self) -> bool:
        """Tell the sidecar whether to deliver: only when the engine has our worker."""
        return not (self._closing or self.liveness.ended) and await self.engine.worker_connected()

    async def not_ready(self) -> str | None:
        """Say what is missing before events are served, or None when nothing is."""
        if self.liveness.ended:
            return f"the workflow worker has ended: {self.liveness.ended}"
        try:
            metadata = await self.sidecar.metadata()
        except httpx.HTTPError as error:
            return self.sidecar.no_answer(error)
        if not has_worker(metadata):
            return "the workflow engine has no worker of ours"
        missing = not_subscribed(metadata, dict(without(SUBSCRIBED, self._left)).values())
        return missing or await self._store_refuses()

    async def _store_refuses(self) -> str | None:
        """Say why the state store takes no writes: only a write shows it."""
        try:
            await self._store.try_write()
        except (RpcError, DaprInternalError) as error:
            said = error.details() if isinstance(error, Call) else error
            return f"the state store refuses writes: {said}"
        return None
