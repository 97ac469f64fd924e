"""The orchestrator's parts put together, started and stopped in the order that loses nothing."""

import httpx
from dapr.clients import DaprClient
from dapr.ext.workflow import DaprWorkflowClient

from contracts.topics import Topic
from orchestrator.catalogue import Catalogue
from orchestrator.decision import Decider
from orchestrator.engine import Engine
from orchestrator.inbox import Inbox
from orchestrator.outbox import Outbox
from orchestrator.settings import Settings
from orchestrator.topic_server import TopicServer
from orchestrator.worker import QUIET, build_runtime


class Orchestrator:
    """Everything that talks to the sidecar. `start` blocks until the sidecar answers."""

    engine: Engine

    def __init__(self, settings: Settings, catalogue: Catalogue) -> None:
        self.settings = settings
        self.catalogue = catalogue
        self._closing = False

    def start(self) -> None:
        """Connect, start the worker, and only then open the port that deliveries come to."""
        self.settings.export_to_sdk()
        self._client = DaprClient()
        self._sidecar = httpx.Client(base_url=self.settings.sidecar_url, timeout=2)
        outbox = Outbox(self._client)
        self._runtime = build_runtime(self.catalogue, outbox)
        self._runtime.start()
        self.engine = Engine(DaprWorkflowClient(logger_options=QUIET), self._sidecar)
        decider = Decider(self.catalogue, self.engine)
        self._inbox = Inbox(decider, self.engine, outbox)
        self._topics = TopicServer(self._inbox, self.takes_work, self.settings.handler_threads)
        self._topics.start(self.settings.host, self.settings.topic_port)

    def stop(self) -> None:
        """Take no more, finish what is held, then let go of the sidecar."""
        self._closing = True
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
        if not (metadata.get("workflows") or {}).get("connectedWorkers"):
            return "the workflow engine has no worker of ours"
        taken = {subscription["topic"] for subscription in metadata.get("subscriptions", [])}
        missing = {str(Topic.REQUESTS), str(Topic.EVENTS)} - taken
        return f"not subscribed yet to {', '.join(sorted(missing))}" if missing else None
