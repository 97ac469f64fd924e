"""Claims an id for a child workflow, so that neither it nor another run is overwritten."""

import re

from contracts import identity
from orchestrator.engine.client import Engine
from orchestrator.ledger.ledger import Ledger
from orchestrator.ledger.records import Holder

_ENGINES_OWN = re.compile(r".*:[0-9a-f]{4,}")
"""Ids that the engine makes for children, such as `trip-1:0001`."""


class ChildIds:
    """Takes ids in the ledger; taken again by the same parent, an id is still the parent's."""

    def __init__(self, ledger: Ledger, engine: Engine) -> None:
        self._ledger = ledger
        self._engine = engine

    async def claim(self, instance_id: str, parent: str) -> str | None:
        """Take an id for a child of `parent`; return why the child cannot have it.

        May be repeated: the child is scheduled only once the parent has the answer.
        """
        if _ENGINES_OWN.fullmatch(instance_id):
            return f"{instance_id!r} is as the engine names children: choose another"
        if why := await self._may_be_derived(instance_id, parent):
            return why
        ours = Holder(key=f"child-of-{parent}", digest=None)
        holder = await self._ledger.chosen_by(instance_id)
        if holder is None and await self._engine.state(instance_id) is None:
            holder = await self._ledger.take_chosen(instance_id, ours)
        return None if holder == ours else f"{instance_id!r} is taken by another run"

    async def _may_be_derived(self, instance_id: str, parent: str) -> str | None:
        """Refuse an id that an event may give to the run it starts. An id such as `pay-<parent>` is
        none: the event of that key started another."""
        key = identity.derived_key(instance_id)
        if key is None:
            return None
        entry = await self._ledger.get(key)
        if entry and entry.instance_id != instance_id:
            return None
        if entry is None and key == identity.derived_key(parent):
            return None
        return f"{instance_id!r} is of the form that Usher derives from an event: choose another"
