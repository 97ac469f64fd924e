"""Fills a stack that runs: entries in its ledger, instances that wait."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from redis import Redis

from bench.growth.stack import USHER
from bench.ingress import ingress
from bench.load import SENDERS
from contracts.topics import STATE_STORE, Topic
from usher.stack.errors import StackError
from usher.stack.settings import LOOPBACK, StackSettings
from usher.stack.wait import wait_until

_PAGE = 200
_ENTRY = json.dumps(
    {
        "key": "0" * 64,
        "topic": str(Topic.REQUESTS),
        "disposition": "started",
        "instance_id": "bench_workflow-" + "0" * 32,
        "at": "2026-01-01T00:00:00Z",
        "attempt": 1,
        "token": "0" * 32,
        "digest": "0" * 64,
        "write": "0" * 32,
    }
)
"""Of the size of an entry that has started a workflow."""


def fill_ledger(settings: StackSettings, count: int) -> None:
    """Write so many entries by the orchestrator's sidecar, kept for a day as the ledger's are."""
    from dapr.clients import DaprClient
    from dapr.clients.grpc._state import StateItem

    address = f"{LOOPBACK}:{settings.orchestrator_dapr_grpc_port}"
    kept = {"ttlInSeconds": "86400"}
    with DaprClient(address) as client:
        for start in range(0, count, _PAGE):
            keys = (f"event-filler-{number}" for number in range(start, min(start + _PAGE, count)))
            page = [StateItem(key, _ENTRY, metadata=kept) for key in keys]
            client.save_bulk_state(STATE_STORE, page)


def start_waiting(settings: StackSettings, count: int) -> None:
    """Publish so many requests for a workflow that waits; return once each has been served."""
    with (
        ingress(USHER, settings, "bench_waiting_workflow") as send,
        ThreadPoolExecutor(SENDERS) as senders,
    ):
        list(senders.map(send, (f"w-{number}" for number in range(count))))
    if not wait_until(lambda: _served(settings), 60 + count / 10):
        raise StackError(f"{count} requests were not served in time")


def _served(settings: StackSettings) -> bool:
    with Redis(host=LOOPBACK, port=settings.redis_port) as redis:
        groups: Any = redis.xinfo_groups(str(Topic.REQUESTS))
    return all(group["pending"] == 0 and group["lag"] == 0 for group in groups)
