"""Brings one contender's stack up until requests are served, and down again."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from redis import Redis, ResponseError

from bench.contenders import Contender
from bench.peers.streams import STREAMS
from bench.peers.tools import Tools
from bench.stacks import build_stack
from contracts.topics import Topic
from usher.stack.errors import StackError
from usher.stack.program import Report
from usher.stack.settings import LOOPBACK, StackSettings
from usher.stack.spec import Binaries
from usher.stack.stack import Stack
from usher.stack.wait import wait_until

READY_SECONDS = 60.0
Metadata = dict[str, Any]


@contextmanager
def running(
    contender: Contender,
    settings: StackSettings,
    binaries: Binaries,
    report: Report,
    tools: Tools | None = None,
) -> Iterator[Stack]:
    """Yield the contender's stack on empty data, ready; stop it however the caller ends."""
    stack = build_stack(contender, settings, binaries, tools)
    stack.down(report)
    stack.up(report, fresh=True)
    try:
        serves = _serves if contender.on_dapr else _streams_are_heard
        if not wait_until(lambda: serves(settings), READY_SECONDS):
            raise StackError(f"{contender.name} is not ready within {READY_SECONDS:.0f} s")
        yield stack
    finally:
        stack.down(report)


def _serves(settings: StackSettings) -> bool:
    """Ask the sidecars: subscriptions are theirs, and a worker is there."""
    worker = _metadata(settings.orchestrator_dapr_http_port)
    notifier = _metadata(settings.notifier_dapr_http_port)
    connected = worker.get("workflows", {}).get("connectedWorkers", 0)
    return bool(
        connected and _hears(worker, Topic.REQUESTS) and _hears(notifier, Topic.COMPLETIONS)
    )


def _streams_are_heard(settings: StackSettings) -> bool:
    """Ask the broker: a peer's worker and notifier take from their streams."""
    with Redis(host=LOOPBACK, port=settings.redis_port) as redis:
        try:
            groups: Any = [redis.xinfo_groups(name) for name in STREAMS]
        except ResponseError:  # no such stream yet
            return False
    return all(group and group[0]["consumers"] for group in groups)


def _hears(metadata: Metadata, topic: Topic) -> bool:
    return any(one["topic"] == topic for one in metadata.get("subscriptions", ()))


def _metadata(port: int) -> Metadata:
    try:
        answer = httpx.get(f"http://{LOOPBACK}:{port}/v1.0/metadata", timeout=2, trust_env=False)
        metadata: Metadata = answer.raise_for_status().json()
    except httpx.HTTPError:
        return {}
    return metadata
