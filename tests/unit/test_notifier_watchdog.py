"""The notifier's watchdog: ends a sidecar that does not come back, and no other."""

import json
from typing import Any

import httpx
import pytest

from notifier.sidecar import Sidecar
from notifier.watchdog import LOOKS, MOST_LOOKS, Watchdog

SUBSCRIBED = {"subscriptions": [{"topic": "workflow-completions"}]}


class Watched:
    """A sidecar whose metadata a test sets; None while it is away."""

    def __init__(self) -> None:
        self.metadata: dict[str, Any] | None = SUBSCRIBED
        self.was_found = False
        self.ended = 0
        client = httpx.Client(transport=httpx.MockTransport(self._answer), base_url="http://it")
        self.watchdog = Watchdog(Sidecar(client), lambda: self.was_found)

    def look(self, times: int) -> int:
        """Look so many times; return how often the sidecar was ended by then."""
        for _ in range(times):
            self.watchdog.look()
        return self.ended

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if self.metadata is None:
            raise httpx.ConnectError("refused")
        if (request.method, request.url.path) == ("POST", "/v1.0/shutdown"):
            self.ended += 1
            return httpx.Response(204)
        return httpx.Response(200, content=json.dumps(self.metadata))


def test_p6_a_sidecar_that_does_not_come_back_is_ended_after_so_many_looks() -> None:
    assert Watched().look(LOOKS - 1) == 0
    assert Watched().look(LOOKS) == 1


def test_one_that_has_come_is_left_alone_for_good() -> None:
    watched = Watched()
    watched.look(LOOKS - 1)
    watched.was_found = True
    assert watched.look(5 * LOOKS) == 0


@pytest.mark.parametrize("metadata", [{}, {"subscriptions": []}, None], ids=["", "starts", "away"])
def test_no_other_is_ended_and_its_looks_do_not_add_up(metadata: dict[str, Any] | None) -> None:
    watched = Watched()
    watched.look(LOOKS - 1)
    watched.metadata = metadata
    watched.look(5 * LOOKS)
    watched.metadata = SUBSCRIBED
    assert watched.look(LOOKS - 1) == 0


def test_a_shutdown_that_did_not_help_is_done_again_later_each_time() -> None:
    watched = Watched()
    assert watched.look(LOOKS) == 1
    assert watched.look(2 * LOOKS - 1) == 1
    assert watched.look(1) == 2
    for _ in range(20):
        before = watched.ended
        assert watched.look(MOST_LOOKS) > before
