"""What the orchestrator takes for a hang of its sidecar."""

from typing import Any

import pytest

from chassis.watchdog import SidecarState
from orchestrator.engine.sidecar_state import sidecar_state

READY = {"actorRuntime": {"hostReady": True}}
STARTS = {"actorRuntime": {"hostReady": False}}
WELL = {**READY, "workflows": {"connectedWorkers": 1}}


@pytest.mark.parametrize(
    ("metadata", "was_found", "stream_is_open", "state"),
    [
        (WELL, True, True, SidecarState.WORKS),
        (WELL, False, True, SidecarState.HANGS),
        (READY, True, True, SidecarState.HANGS),
        (READY, True, False, SidecarState.STARTS),
        (STARTS, True, True, SidecarState.STARTS),
        ({}, True, True, SidecarState.STARTS),
    ],
    ids=["well", "does not come", "takes no worker", "worker reconnects", "starts", "says nothing"],
)
async def test_a_sidecar_hangs_that_is_ready_and_does_not_take_our_worker_or_find_our_port(
    metadata: dict[str, Any], was_found: bool, stream_is_open: bool, state: SidecarState
) -> None:
    async def is_open() -> bool:
        return stream_is_open

    assert await sidecar_state(metadata, was_found, is_open) is state
