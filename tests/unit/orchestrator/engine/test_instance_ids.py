"""The list of all instances is asked for no more often than a twentieth of the time allows."""

from typing import cast

import pytest

from orchestrator.engine.client import Engine
from orchestrator.engine.instance_ids import InstanceIds


class Listing:
    """An engine whose every list takes so long, on a clock of its own."""

    def __init__(self, takes: float) -> None:
        self.now, self.takes = 0.0, takes
        self.listed_at: list[float] = []
        self.away = False

    async def all_ids(self) -> list[str]:
        self.listed_at.append(self.now)
        self.now += self.takes
        if self.away:
            raise ConnectionError("the sidecar is away")
        return [f"i-{len(self.listed_at)}"]


def ids_of(listing: Listing) -> InstanceIds:
    return InstanceIds(cast(Engine, listing), lambda: listing.now)


async def test_a_list_is_good_for_twenty_times_as_long_as_it_took() -> None:
    listing = Listing(takes=2)
    instance_ids = ids_of(listing)
    for listing.now in (0, 15, 30, 41.9):
        assert await instance_ids.ids() == ["i-1"]
    listing.now = 42
    assert await instance_ids.ids() == ["i-2"]
    assert listing.listed_at == [0, 42]


async def test_a_list_that_could_not_be_had_is_asked_for_again_at_once() -> None:
    listing = Listing(takes=2)
    instance_ids = ids_of(listing)
    listing.away = True
    with pytest.raises(ConnectionError):
        await instance_ids.ids()
    listing.away = False
    assert await instance_ids.ids() == ["i-2"]
