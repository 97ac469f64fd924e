"""Runs inside supervisord: a process that keeps dying is tried again for good, at a bounded pace.

supervisord waits one second longer after each quick death, without end, and gives up for good
after `startretries`. It offers plugins (`rpcinterface_factory`) and tells them of each backoff
before it acts on it, so the bound is set here.
"""

import time

from supervisor import events  # type: ignore[import-untyped]

# The delay grows 1, 2, 3 … up to this. Under 10 s together with supervisord's own two ticks.
LONGEST_SECONDS = 5


def plug_in(_supervisord: object) -> object:
    """The factory named in the configuration; the object it returns adds no RPC of its own."""
    events.subscribe(events.ProcessStateBackoffEvent, _bound)
    return object()


def _bound(event: events.ProcessStateBackoffEvent) -> None:
    process = event.process
    if process.backoff > LONGEST_SECONDS:
        process.backoff = LONGEST_SECONDS
        process.delay = time.time() + LONGEST_SECONDS
