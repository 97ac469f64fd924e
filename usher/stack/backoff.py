"""A plugin of supervisord: bounds the delay before it restarts a process that keeps dying.

supervisord waits one second longer after each quick death, without a bound, and gives up after
`startretries`. It notifies its plugins (`rpcinterface_factory`) of each backoff before it waits.
"""

import time

from supervisor import events  # type: ignore[import-untyped]

# The delay grows 1, 2, 3 … up to this. With supervisord's two ticks it stays below 10 s.
LONGEST_SECONDS = 5


def plug_in(_supervisord: object) -> object:
    """Subscribe to backoffs. The configuration names this factory; its result adds no RPC."""
    events.subscribe(events.ProcessStateBackoffEvent, _bound)
    return object()


def _bound(event: events.ProcessStateBackoffEvent) -> None:
    process = event.process
    if process.backoff > LONGEST_SECONDS:
        process.backoff = LONGEST_SECONDS
        process.delay = time.time() + LONGEST_SECONDS
