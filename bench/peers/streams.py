"""The two Redis streams that a peer's requests come in on and its notices go out on."""

import json
import os
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import redis

STREAMS = REQUESTS, COMPLETIONS = "workflow-requests", "workflow-completions"
GROUP = "bench"
_AT_ONCE = 64
_FIELD = "data"

Handler = Callable[[dict[str, Any]], object]


def connect() -> redis.Redis:
    return redis.Redis.from_url(os.environ["PEER_REDIS_URL"], decode_responses=True)


def packed(message: dict[str, Any]) -> dict[Any, Any]:
    """Return the fields of a stream's entry."""
    return {_FIELD: json.dumps(message)}


def consume(stream: str, handle: Handler, threads: int) -> None:
    """Hand over each message, for ever; it is acknowledged once `handle` has returned.

    What was taken and not acknowledged in an earlier life comes first.
    """
    broker = connect()
    try:
        broker.xgroup_create(stream, GROUP, id="0", mkstream=True)
    except redis.ResponseError as error:
        if "BUSYGROUP" not in str(error):
            raise

    def serve(entry: tuple[str, dict[str, str]]) -> None:
        number, fields = entry
        handle(json.loads(fields[_FIELD]))
        broker.xack(stream, GROUP, number)

    with ThreadPoolExecutor(threads) as pool:
        for entries in _taken(broker, stream):
            list(pool.map(serve, entries))


def _taken(broker: redis.Redis, stream: str) -> Iterator[list[tuple[str, dict[str, str]]]]:
    name, since = socket.gethostname(), "0"
    while True:
        answer: Any = broker.xreadgroup(GROUP, name, {stream: since}, count=_AT_ONCE, block=1000)
        entries = answer[0][1] if answer else []
        if since == "0" and not entries:
            since = ">"
        elif entries:
            yield entries
