"""A cache of the instances that have ended. Each ending is read once, because it stays."""

from collections.abc import Iterable

from orchestrator.ledger.ledger import Ledger

PAGE = 200


class KnownEndings:
    """Endings that this process has read. A cold cache costs extra reads, never correctness."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._ended: set[str] = set()

    def keep(self, ids: set[str]) -> None:
        """Forget all but these. The others left the engine, so their ids may be used again."""
        self._ended &= ids

    def unknown(self, ids: Iterable[str]) -> list[str]:
        """Return the instances that are not known to have ended, without a read."""
        return [one for one in ids if one not in self._ended]

    async def not_ended(self, ids: Iterable[str], most: int) -> list[str]:
        """Return the first `most` instances that have not ended, in the order given."""
        left, found = self.unknown(ids), list[str]()
        while left and len(found) < most:
            page, left = left[:PAGE], left[PAGE:]
            going_on = await self._ledger.not_ended(page)
            self._ended |= set(page) - set(going_on)
            found += going_on
        return found[:most]
