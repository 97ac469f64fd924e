"""Tells by its metadata whether the orchestrator's sidecar hangs.

A worker that dies as a turn is handed to it can leave daprd 1.18 locked up for good: the next
worker's stream is open, yet the engine never takes that worker on, and no workflow runs any more
(docs/decisions/0008-watchdog.md). Nothing else looks like this: a sidecar that starts says that it
is not ready, a worker that reconnects says that its stream is not open.
"""

from collections.abc import Awaitable, Callable

from chassis.sidecar import Metadata
from chassis.watchdog import SidecarState
from orchestrator.engine.client import has_worker, is_ready


async def sidecar_state(
    metadata: Metadata, was_found: bool, stream_is_open: Callable[[], Awaitable[bool]]
) -> SidecarState:
    """Return the state of a sidecar. `was_found` says whether it has come to our port."""
    if has_worker(metadata) and was_found:
        return SidecarState.WORKS
    hangs = is_ready(metadata) and await stream_is_open()
    return SidecarState.HANGS if hangs else SidecarState.STARTS
