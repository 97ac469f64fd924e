"""What a consumer group of a Redis stream has not acknowledged."""

from typing import Any

from redis import Redis


def unread(redis: Redis, topic: str, group: str) -> int:
    """Count what was delivered and not acknowledged, plus what was not delivered yet.

    Not by the group's `lag`: Redis 7.0 counts what was read for it from an older snapshot after a
    restart, and tells a lag that is not there. Needs a client that decodes.
    """
    groups: Any = redis.xinfo_groups(topic)
    found = next(one for one in groups if one["name"] == group)
    left: Any = redis.xrange(topic, f"({found['last-delivered-id']}")
    return int(found["pending"]) + len(left)
