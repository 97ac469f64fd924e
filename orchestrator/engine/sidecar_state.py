"""Detects by its metadata that the orchestrator's sidecar hangs.

A worker that dies while it receives a turn can lock up daprd 1.18 for good: the next worker's
stream is open, but the engine never accepts that worker, and no workflow runs any more
(docs/decisions/0008-watchdog.md). No healthy state looks like this: a starting sidecar reports that
it is not ready, and a reconnecting worker that its stream is not open.
"""

from collections.abc import Awaitable, Callable

from chassis.sidecar import Metadata
from chassis.watchdog import SidecarState
from orchestrator.engine.client import has_worker, is_ready


async def sidecar_state(
    metadata: Metadata, was_found: bool, stream_is_open: Callable[[], Awaitable[bool]]
) -> SidecarState:
    """Return the state of a sidecar. `was_found` says whether it has connected to our port."""
    if has_worker(metadata) and was_found:
        return SidecarState.WORKS
    hangs = is_ready(metadata) and await stream_is_open()
    return SidecarState.HANGS if hangs else SidecarState.STARTS
