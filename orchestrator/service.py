"""The orchestrator's parts put together, started and stopped in the order that loses nothing."""

from datetime import timedelta

import httpx
from dapr.clients import DaprClient
from dapr.ext.workflow import DaprWorkflowClient

from contracts.topics import Topic
from orchestrator.announcer import Announcer
from orchestrator.catalogue import Catalogue
from orchestrator.controlling import Controller
from orchestrator.courier import Courier
from orchestrator.decision import Decider
from orchestrator.engine import Engine, has_worker
from orchestrator.inbox import Inbox
from orchestrator.launching import Launcher
from orchestrator.ledger import Ledger
from orchestrator.metrics import Metrics
from orchestrator.outbox import Outbox
from orchestrator.parking import Parking
from orchestrator.reconciler import Reconciler
from orchestrator.serving import Server
from orchestrator.settings import Settings
from orchestrator.store import Store
from orchestrator.topic_server import TopicServer
from orchestrator.worker import QUIET, Steps, build_runtime


class Orchestrator:
    """Everything that talks to the sidecar. `start` blocks until the sidecar answers."""

    def __init__(self, settings: Settings, catalogue: Catalogue) -> None:
        self.settings = settings
        self.catalogue = catalogue
        self.metrics = Metrics()
        self._closing = False

    def start(self) -> None:
        """Connect, start the worker, and only then open the port that deliveries come to."""
        self.settings.export_to_sdk()
        self._client = DaprClient()
        self._sidecar = httpx.Client(base_url=self.settings.sidecar_url, timeout=2, trust_env=False)
        workflows = DaprWorkflowClient(logger_options=QUIET)
        self.engine = Engine(workflows, self._sidecar)
        store = Store(self._client, self.settings.ledger_days * 24 * 3600)
        self.ledger = Ledger(store)
        outbox = Outbox(self._client)
        announcer = Announcer(self.catalogue, self.engine, self.ledger, outbox)
        courier = Courier(self.engine, self.ledger)
        self.parking = Parking(store, self.ledger, self.engine, courier, outbox)
        wait = timedelta(seconds=self.settings.parking_seconds)
        self.decider = Decider(self.catalogue, self.engine, self.ledger, wait)
        server = Server(
            self.decider,
            self.ledger,
            Launcher(self.engine, self.ledger, self.parking),
            courier,
            self.parking,
            Controller(self.engine, announcer),
            outbox,
        )
        steps = Steps(announcer.announce, self.ledger.may_run, self.parking.expire)
        self._runtime = build_runtime(self.catalogue, steps)
        self._runtime.start()
        self._inbox = Inbox(server, self.metrics)
        self._topics = TopicServer(self._inbox, self.takes_work, self.settings.handler_threads)
        self._topics.start(self.settings.host, self.settings.topic_port)
        seconds = self.settings.sweep_seconds
        stalled = self.metrics.stalled.set
        self._reconciler = Reconciler(self.engine, self.ledger, announcer, seconds, stalled)
        self._reconciler.start()

    def stop(self) -> None:
        """Take no more, finish what is held, then let go of the sidecar."""
        self._closing = True
        self._reconciler.stop()
        self._inbox.close(self.settings.drain_seconds)
        self._topics.stop()
        self._runtime.shutdown()
        self._client.close()
        self._sidecar.close()

    def takes_work(self) -> bool:
        """Tell the sidecar whether to deliver: only when the engine has our worker."""
        return not self._closing and self.engine.worker_connected()

    def not_ready(self) -> str | None:
        """Say what is missing before events are served, or None when nothing is."""
        try:
            metadata = self.engine.metadata()
        except httpx.HTTPError as error:
            return f"the sidecar does not answer: {error}"
        if not has_worker(metadata):
            return "the workflow engine has no worker of ours"
        taken = {subscription["topic"] for subscription in metadata.get("subscriptions", [])}
        missing = {str(Topic.REQUESTS), str(Topic.EVENTS)} - taken
        return f"not subscribed yet to {', '.join(sorted(missing))}" if missing else None
