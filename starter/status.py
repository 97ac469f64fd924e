"""Reads the status of an instance from the orchestrator, whose app id owns the workflow state."""

import httpx

from chassis.client import CallFailed, Declined, Misread, send_async
from contracts import calls
from contracts.http import Problem, Status


class StatusReader:
    """Reads `GET /instances/{id}` of the orchestrator."""

    def __init__(self, orchestrator: httpx.AsyncClient) -> None:
        self._orchestrator = orchestrator

    async def read(self, instance_id: str) -> Status | Problem:
        """Return the status, or a problem: 404 for an unknown instance, 503 if nobody answers."""
        try:
            found = await send_async(self._orchestrator, calls.instance(instance_id))
        except CallFailed as error:
            return _problem(instance_id, error)
        return Status(
            instance_id=found.instance_id,
            workflow=found.workflow,
            status=found.status,
            created_at=found.created_at,
            updated_at=found.updated_at,
            input=found.input,
            output=found.output,
            custom_status=found.custom_status,
            error=found.error,
            stalled=found.stalled,
        )


def _problem(instance_id: str, error: CallFailed) -> Problem:
    if isinstance(error, Declined) and error.status == 404:
        detail = str(error) or f"no instance has the id {instance_id!r}"
        return Problem(title="No such instance", status=404, detail=detail)
    said = isinstance(error, Declined | Misread)
    detail = str(error) if said else f"the orchestrator does not answer: {error}"
    return Problem(title="The engine cannot be asked", status=503, detail=detail)
