"""Reads the status of an instance from the orchestrator, whose app id owns the workflow state."""

from typing import Any
from urllib.parse import quote

import httpx

from chassis.problem import Problem

SHOWN = (
    "instance_id",
    "workflow",
    "status",
    "created_at",
    "updated_at",
    "input",
    "output",
    "custom_status",
    "error",
    "stalled",
)


class StatusReader:
    """Reads `GET /instances/{id}` of the orchestrator."""

    def __init__(self, orchestrator: httpx.AsyncClient) -> None:
        self._orchestrator = orchestrator

    async def read(self, instance_id: str) -> dict[str, Any] | Problem:
        """Return the status, or a problem: 404 for an unknown instance, 503 if nobody answers."""
        try:
            answer = await self._orchestrator.get(f"/instances/{quote(instance_id, safe='')}")
        except httpx.HTTPError as error:
            return self._away(f"the orchestrator does not answer: {error}")
        if answer.status_code == 404:
            detail = f"no instance has the id {instance_id!r}"
            return Problem(title="No such instance", status=404, detail=detail)
        if answer.is_error:
            return self._away(_detail(answer))
        found = answer.json()
        return {name: found.get(name) for name in SHOWN}

    def _away(self, detail: str) -> Problem:
        return Problem(title="The engine cannot be asked", status=503, detail=detail)


def _detail(answer: httpx.Response) -> str:
    """Return the detail of the orchestrator's problem; its whole answer if it sent none."""
    try:
        return str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return answer.text
