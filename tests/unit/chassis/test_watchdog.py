"""The watchdog: ends a sidecar that hangs, and no other."""

import json
from typing import Any

import httpx
import pytest

from chassis.sidecar import Sidecar
from chassis.watchdog import LOOKS, MOST_LOOKS, SidecarState, Watchdog, subscriber_state

SUBSCRIBED = {"subscriptions": [{"topic": "workflow-completions"}]}


class Watched:
    """A sidecar whose metadata a test sets; None while it is away."""

    def __init__(self) -> None:
        self.metadata: dict[str, Any] | None = SUBSCRIBED
        self.was_found = False
        self.refuses = False
        self.ended = 0
        transport = httpx.MockTransport(self._answer)
        self.sidecar = Sidecar(httpx.AsyncClient(transport=transport, base_url="http://it"))
        self.watchdog = Watchdog(self.sidecar, self._state)

    async def look(self, times: int) -> int:
        """Look so many times; return how often the sidecar was ended by then."""
        for _ in range(times):
            await self.watchdog.look()
        return self.ended

    async def _state(self) -> SidecarState:
        return await subscriber_state(self.sidecar, self.was_found)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if self.metadata is None:
            raise httpx.ConnectError("refused")
        if (request.method, request.url.path) == ("POST", "/v1.0/shutdown"):
            if self.refuses:
                return httpx.Response(403)
            self.ended += 1
            return httpx.Response(204)
        return httpx.Response(200, content=json.dumps(self.metadata))


async def test_p6_a_sidecar_that_does_not_come_to_our_port_is_ended_after_so_many_looks() -> None:
    assert await Watched().look(LOOKS - 1) == 0
    assert await Watched().look(LOOKS) == 1


async def test_one_that_has_come_is_left_alone() -> None:
    watched = Watched()
    await watched.look(LOOKS - 1)
    watched.was_found = True
    assert await watched.look(5 * LOOKS) == 0


@pytest.mark.parametrize("metadata", [{}, {"subscriptions": []}, None], ids=["", "starts", "away"])
async def test_no_other_is_ended_and_its_looks_do_not_add_up(
    metadata: dict[str, Any] | None,
) -> None:
    watched = Watched()
    await watched.look(LOOKS - 1)
    watched.metadata = metadata
    assert await watched.look(LOOKS * 3) == 0
    watched.metadata = SUBSCRIBED
    assert await watched.look(LOOKS - 1) == 0
    assert await watched.look(1) == 1


async def test_what_a_shutdown_does_not_help_is_tried_less_and_less_often() -> None:
    watched = Watched()
    assert await watched.look(LOOKS) == 1
    assert await watched.look(LOOKS * 2 - 1) == 1
    assert await watched.look(1) == 2
    assert await watched.look(LOOKS * 4) == 3
    await watched.look(MOST_LOOKS * 8)
    ended = watched.ended
    assert await watched.look(MOST_LOOKS) == ended + 1


async def test_a_sidecar_that_was_well_again_is_ended_as_soon_as_the_first_time() -> None:
    watched = Watched()
    await watched.look(LOOKS)
    watched.was_found = True
    await watched.look(1)
    watched.was_found = False
    assert await watched.look(LOOKS) == 2


async def test_a_sidecar_that_refuses_is_asked_again_later() -> None:
    watched = Watched()
    watched.refuses = True
    with pytest.raises(httpx.HTTPStatusError):
        await watched.look(LOOKS)
    watched.refuses = False
    assert await watched.look(LOOKS * 2) == 1
