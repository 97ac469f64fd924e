"""Publishes a plan's events, each until the broker has acknowledged it, and keeps its own count.

What was acknowledged is what the verdict starts from: this list knows nothing of any ledger. An
answer that is lost is no answer, so the same event is sent again, and the broker may have it twice.
"""

import json
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

import httpx

from contracts.topics import PUBSUB
from tests.chaos.cast import ROUTED_EVENTS, ROUTED_RUNS, Gate, Publication
from usher.stack.settings import LOOPBACK, StackSettings

CLOUDEVENT = {"content-type": "application/cloudevents+json"}
ANSWER_SECONDS = 5
AT_ONCE = 16
"""Publications at the same time; then the storm looks around again."""


class Publisher:
    """Two doors: the starter's HTTP, and its sidecar's, as `dapr publish` does."""

    def __init__(
        self, http: httpx.Client, settings: StackSettings, publications: Sequence[Publication]
    ) -> None:
        self._http = http
        self._crowd = ThreadPoolExecutor(AT_ONCE)
        self._starter = f"{settings.url('starter')}/events"
        sidecar = f"http://{LOOPBACK}:{settings.starter_dapr_http_port}"
        self._sidecar = f"{sidecar}/v1.0/publish/{PUBSUB}"
        self._next = deque(publications)
        self._gated: list[Publication] = []
        self._unanswered: list[Publication] = []
        """Its door is closed, or the answer was lost. No other run begins until all are answered:
        half of the runs would end behind the one open door, and leave no blow enough in flight."""
        self.accepted: Counter[str] = Counter()
        """How often the broker acknowledged each event, by its mark."""
        self.sent_again = 0
        self.begun: set[str] = set()
        """The instances whose request was sent, whatever came of it."""
        self.runs: set[str] = set()
        """The instances whose request was accepted."""

    def close(self) -> None:
        self._crowd.shutdown()
        self._http.close()

    @property
    def left(self) -> int:
        return len(self._next) + len(self._gated) + len(self._unanswered)

    def publish(self, may_begin: int, is_open: Callable[[Gate], bool]) -> None:
        """Publish some of what may be published now, with so many new runs at most."""
        taken = self._taken(0 if self._unanswered else may_begin)
        held, self._unanswered, self._gated = self._unanswered + self._gated, [], []
        batch: list[Publication] = []
        for publication in chain(held, taken):
            behind = publication.gate is not None and not is_open(publication.gate)
            (self._gated if behind or len(batch) == AT_ONCE else batch).append(publication)
        for publication, answered in zip(batch, self._crowd.map(self._send, batch), strict=True):
            if answered:
                self.accepted[publication.mark] += 1
                if publication.run:
                    self.runs.add(publication.run.instance_id)
            else:
                self.sent_again += 1
                self._unanswered.append(publication)

    def _taken(self, may_begin: int) -> Iterator[Publication]:
        """Take the next ones of the plan, up to the first run that may not begin yet."""
        for _ in range(AT_ONCE):
            run = self._next[0].run if self._next else None
            if run and run.instance_id not in self.begun:
                if may_begin <= 0:
                    return
                may_begin -= 1
                self.begun.add(run.instance_id)
            if self._next:
                yield self._next.popleft()

    def _send(self, publication: Publication) -> bool:
        try:
            return self._post(publication).is_success
        except httpx.TransportError:
            return False

    def _post(self, publication: Publication) -> httpx.Response:
        if publication.door == "raw":
            raw = f"{self._sidecar}/{publication.topic}?metadata.rawPayload=true"
            head = {"content-type": "application/octet-stream"}
            return self._http.post(raw, content=publication.data.encode(), headers=head)
        at = self._starter
        if publication.topic in (ROUTED_RUNS, ROUTED_EVENTS):
            at = f"{at}?topic={publication.topic}"
        if publication.door == "sidecar":
            at = f"{self._sidecar}/{publication.topic}"
        return self._http.post(at, content=json.dumps(publication.envelope), headers=CLOUDEVENT)
