"""Topics that the audit cannot see: their broker is not Redis, or Redis has no such stream."""

from collections.abc import Iterable

from usher.audit.streams import Streams

NO_STREAM = (
    "Redis has no stream of this name: nobody has subscribed to it, or the broker is another Redis"
)


def not_seen(topics: Iterable[str], streams: Streams) -> dict[str, str]:
    """Return why each of these topics cannot be audited; nothing of those that can."""
    found = {}
    for topic in topics:
        if broker := streams.elsewhere.get(topic):
            found[topic] = f"it is on {broker}, and the audit reads Redis streams only"
        elif not streams.has(topic):
            found[topic] = NO_STREAM
    return found
