"""Keeps the streams bounded: what every group has acknowledged and is old enough goes, no more.

Only for a broker that is Redis, the one of the notifier's store; a stream that is not there is left
alone. Trimming and writing down how much went are one step at Redis, so a crash leaves both or
neither; a sweep that was cut short, or is done by two replicas, is made good by the next.
"""

from datetime import timedelta
from typing import Any

import structlog
from redis import Redis

from contracts.topics import READ_BY, Topic

BOOK = "usher:trimmed"
"""What the audit reads: how many entries this took from each stream, how many it had seen come."""

_TRIM = """
local gone = redis.call('XTRIM', KEYS[1], 'MINID', ARGV[1])
if gone > 0 then redis.call('HINCRBY', KEYS[2], KEYS[1] .. ':trimmed', gone) end
return gone
"""
_log = structlog.get_logger()


class Trimmer:
    """Trims what is older than `keep`."""

    def __init__(self, client: Redis, keep: timedelta) -> None:
        self._client = client
        self._keep = keep

    def sweep(self) -> dict[str, int]:
        """Trim each stream; return how many entries went.

        Requests and events go before what was published about them, which the audit looks for.
        """
        return {topic: self._trim(topic) for topic in Topic if self._client.exists(topic)}

    def _trim(self, topic: Topic) -> int:
        info: Any = self._client.xinfo_stream(topic)
        if added := info.get("entries-added"):
            self._client.hset(BOOK, f"{topic}:added", added)
        done = self._acknowledged_before(topic)
        if done is None:
            return 0
        seconds, _ = self._client.time()
        old = (int((seconds - self._keep.total_seconds()) * 1000), 0)
        time, number = min(done, old)
        gone: Any = self._client.eval(_TRIM, 2, topic, BOOK, f"{max(time, 0)}-{number}")
        if gone:
            _log.info("trimmed", stream=str(topic), entries=gone)
        return int(gone)

    def _acknowledged_before(self, topic: Topic) -> tuple[int, int] | None:
        """Return the entry before which every group has acknowledged all; None for: do not trim.

        A group of somebody else's counts too, dead or alive. Where the group is missing that must
        read all of it, nothing has been read.
        """
        groups: Any = self._client.xinfo_groups(topic)
        if READ_BY[topic] not in [group["name"] for group in groups]:
            return None
        return min(self._reached(topic, group) for group in groups)

    def _reached(self, topic: Topic, group: dict[str, Any]) -> tuple[int, int]:
        # The position first: what is given out meanwhile is newer than it.
        pending: Any = self._client.xpending(topic, group["name"])
        reached = str(pending["min"] or group["last-delivered-id"])
        time, _, number = reached.partition("-")
        return int(time), int(number)
