"""The depth of an event: how many completion events led to it, one after the other.

A run that a completion event starts has a depth of one more, and so has its own completion event.
"""

from contracts.cloudevent import CloudEvent
from contracts.topics import Topic

EXTENSION = "usherdepth"
"""The CloudEvents extension that carries the depth. Without it, the depth is 0."""
MAX_DEPTH = 16
"""The largest depth of a run. An event that would start a deeper one is dead-lettered."""


def depth_of(event: CloudEvent) -> int:
    """Return the depth of an event; 0 if its attribute is no number."""
    text = str(event.attributes.get(EXTENSION))
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0


def depth_of_run(topic: str, event: CloudEvent) -> int:
    """Return the depth of a run that an event of a topic starts."""
    depth = depth_of(event)
    return depth + 1 if depth or topic == Topic.COMPLETIONS else 0
