"""Which instances have ended, as the ledger has it: read once of each, since an ending stays."""

from collections.abc import Iterable

from orchestrator.ledger import Ledger

PAGE = 200


class Endings:
    """What this process knows of the ledger's endings; another that knows less reads more."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._known: set[str] = set()

    def add(self, instance_id: str) -> None:
        """Know of an instance that it has ended."""
        self._known.add(instance_id)

    def keep(self, ids: set[str]) -> None:
        """Forget all but these: what the engine has no more."""
        self._known &= ids

    def open(self, ids: Iterable[str]) -> list[str]:
        """Return those of the instances that are not known to have ended, without a read."""
        return [one for one in ids if one not in self._known]

    async def not_ended(self, ids: Iterable[str], most: int) -> list[str]:
        """Return the first `most` of the instances that have not ended, in their order."""
        left, found = self.open(ids), list[str]()
        while left and len(found) < most:
            size = min(PAGE, most - len(found))
            page, left = left[:size], left[size:]
            going_on = await self._ledger.not_ended(page)
            self._known |= set(page) - set(going_on)
            found += going_on
        return found
