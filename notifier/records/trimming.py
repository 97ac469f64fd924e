"""Trims the streams: removes entries that are old and that every group has acknowledged.

It works only if the broker is the notifier's own Redis. A stream that does not exist is skipped,
and named in the log.
Redis trims and counts in one step, so a crash leaves both or neither. The next sweep completes one
that was cut off. Two replicas may sweep at once.
"""

from datetime import timedelta
from typing import Any

import structlog
from redis import Redis

from contracts.brokers import BrokerNames
from contracts.topics import READ_BY, Topic

BOOK = "usher:trimmed"
"""Hash that the audit reads: how many entries of each stream were trimmed, and were ever added."""

_TRIM = """
local gone = redis.call('XTRIM', KEYS[1], 'MINID', ARGV[1])
if gone > 0 then redis.call('HINCRBY', KEYS[2], KEYS[1] .. ':trimmed', gone) end
return gone
"""
_log = structlog.get_logger()


class Trimmer:
    """Trims acknowledged entries older than `keep`."""

    def __init__(self, client: Redis, keep: timedelta, names: BrokerNames) -> None:
        self._client = client
        self._names = names
        self._keep = keep
        self._absent: set[Topic] = set()
        """The streams that did not exist at the last sweep."""
        self._named = False

    def sweep(self) -> dict[str, int]:
        """Trim each stream; return how many entries were removed.

        Requests and events go first: the audit needs the later topics to account for them.
        """
        present = [topic for topic in Topic if self._client.exists(self._names.topic(topic))]
        self._name({*Topic} - {*present})
        return {topic: self._trim(topic) for topic in present}

    def _name(self, absent: set[Topic]) -> None:
        """Log, once, the streams that are absent at two sweeps: the first may be early."""
        if (still := absent & self._absent) and not self._named:
            why = "this Redis has no such streams: if the broker is another one, it must trim them"
            _log.warning("not trimmed", streams=sorted(still), why=why)
            self._named = True
        self._absent = absent

    def _trim(self, topic: Topic) -> int:
        stream = self._names.topic(topic)
        info: Any = self._client.xinfo_stream(stream)
        if added := info.get("entries-added"):
            self._client.hset(BOOK, f"{stream}:added", added)
        done = self._acknowledged_before(topic)
        if done is None:
            return 0
        seconds, _ = self._client.time()
        old = (int((seconds - self._keep.total_seconds()) * 1000), 0)
        time, number = min(done, old)
        gone: Any = self._client.eval(_TRIM, 2, stream, BOOK, f"{max(time, 0)}-{number}")
        if gone:
            _log.info("trimmed", stream=stream, entries=gone)
        return int(gone)

    def _acknowledged_before(self, topic: Topic) -> tuple[int, int] | None:
        """Return the entry before which every group has acknowledged all; None: do not trim.

        Other apps' groups count too, even if nobody reads them. If the group of the service that
        must read the topic is missing, nothing has been read yet.
        """
        stream = self._names.topic(topic)
        groups: Any = self._client.xinfo_groups(stream)
        if self._names.group(READ_BY[topic]) not in [group["name"] for group in groups]:
            return None
        return min(self._reached(stream, group) for group in groups)

    def _reached(self, stream: str, group: dict[str, Any]) -> tuple[int, int]:
        # Read after the position: entries delivered meanwhile are newer than it.
        pending: Any = self._client.xpending(stream, group["name"])
        reached = str(pending["min"] or group["last-delivered-id"])
        time, _, number = reached.partition("-")
        return int(time), int(number)
