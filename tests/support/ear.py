"""Stands where a run tells how it ended: hears each notice, with what started the run."""

import json
from typing import Any

from contracts.events import WorkflowCompleted
from orchestrator.engine.envelope import Cause


class Ear:
    """Hears; says that it could not be reached where it is `away`."""

    def __init__(self, away: bool = False) -> None:
        self.heard: list[tuple[WorkflowCompleted, Cause]] = []
        self._away = away

    def __call__(self, notice: WorkflowCompleted, cause: Cause) -> bool:
        self.heard.append((notice, cause))
        return not self._away

    @property
    def notice(self) -> dict[str, Any]:
        """The one notice, as it is published; told again by a turn that is done again."""
        notices = [notice.model_dump_json() for notice, _ in self.heard]
        assert len(set(notices)) == 1
        document: dict[str, Any] = json.loads(notices[0])
        return document
