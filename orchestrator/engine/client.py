"""The Dapr workflow engine as the orchestrator sees it: the SDK's client, with our words."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import httpx
from dapr.ext.workflow import WorkflowState

# The SDK exports no way to purge by force: the engine's own request is sent on its stub.
from dapr.ext.workflow._durabletask.internal import protos
from dapr.ext.workflow.aio import DaprWorkflowClient
from grpc import RpcError, StatusCode

from chassis.sidecar import Metadata, Sidecar
from orchestrator.engine.envelope import Cause, seal
from orchestrator.engine.history import HistoryEvent, read_event
from orchestrator.engine.state import Unreadable
from orchestrator.engine.state_reader import StateReader, once_saved

_INNER = "_DaprWorkflowClient__obj"
PAGE = 1_000_000


class Stalled(Exception):
    """The engine has stopped this instance: it takes no event and no control, for good or until
    the code that it was started with is back. Says nothing of any other instance."""


class Engine:
    """Starts, steers and reads workflow instances. Raises `RpcError` when it cannot."""

    def __init__(self, client: DaprWorkflowClient, sidecar: Sidecar) -> None:
        self._client = client
        self._sidecar = sidecar
        self._reader = StateReader(client)

    async def worker_connected(self) -> bool:
        """Tell whether the engine has our workflow worker; the SDK alone may wrongly say so."""
        return has_worker(await self._sidecar.metadata())

    async def is_well(self) -> bool:
        """Tell whether the engine serves instances at all, so that a failure is of one of them."""
        try:
            return await self.worker_connected()
        except httpx.HTTPError:
            return False

    async def state(self, instance_id: str) -> WorkflowState | None:
        """Return the state of an instance, or None where there is none.

        One that cannot be read, while others can, is `Unreadable`: STALLED, so to say.
        """
        return await self._reader.read(instance_id)

    async def schedule(self, workflow: str, value: Any, instance_id: str, cause: Cause) -> bool:
        """Start an instance; False where that id is already active.

        Returns once it runs. A call that timed out may have started it all the same.
        """
        try:
            with _stalled(instance_id):
                await self._client.schedule_new_workflow(
                    workflow, input=seal(cause, value), instance_id=instance_id
                )
        except Stalled:
            return False
        except RpcError as error:
            if error.code() is StatusCode.ALREADY_EXISTS:
                return False
            raise
        return True

    async def schedule_at(
        self, workflow: str, value: Any, instance_id: str, time: datetime
    ) -> None:
        """Have an instance of ours begin at a time; one of that id stays, also where it is broken:
        `redelivery` does then what it was to do."""
        try:
            await self._client.schedule_new_workflow(
                workflow, input=value, instance_id=instance_id, start_at=time
            )
        except RpcError as error:
            taken = error.code() is StatusCode.ALREADY_EXISTS
            if not taken and not isinstance(await self.state(instance_id), Unreadable):
                raise

    async def raise_event(self, instance_id: str, name: str, data: Any) -> None:
        """Raise an event to an instance. Raises `Stalled`."""
        with _stalled(instance_id):
            await self._client.raise_workflow_event(instance_id, name, data=data)

    async def all_ids(self) -> list[str]:
        """Return the id of every instance; in large pages, since each costs a whole scan."""
        ids = self._client.iter_workflow_instance_ids(page_size=PAGE)
        return [instance_id async for instance_id in ids]

    async def terminate(self, instance_id: str, reason: str | None) -> None:
        """Terminate an instance. Raises `Stalled`."""
        with _stalled(instance_id):
            await self._client.terminate_workflow(instance_id, output=reason)

    async def suspend(self, instance_id: str) -> None:
        """Suspend an instance. Raises `Stalled`."""
        with _stalled(instance_id):
            await self._client.pause_workflow(instance_id)

    async def resume(self, instance_id: str) -> None:
        """Resume an instance. Raises `Stalled`."""
        with _stalled(instance_id):
            await self._client.resume_workflow(instance_id)

    async def purge(self, instance_id: str) -> None:
        """Remove an ended instance with all that the engine has of it. Raises `Stalled`."""
        with _stalled(instance_id):
            await self._client.purge_workflow(instance_id)

    async def remove(self, instance_id: str) -> None:
        """Remove a stalled instance, which the engine neither terminates nor purges, by force.

        Its children stay. One that is gone already is no error.
        """
        request = protos.PurgeInstancesRequest(instanceId=instance_id, force=True)
        if await self.state(instance_id):
            await getattr(self._client, _INNER)._get_stub().PurgeInstances(request)

    async def history(self, instance_id: str) -> list[HistoryEvent] | None:
        """Return an instance's history, oldest first, or None where there is no such instance.

        Asked of the client inside the SDK's client, which leaves out what a timer is for.
        """
        try:
            found: list[Any] = await once_saved(
                getattr(self._client, _INNER).get_instance_history, instance_id
            )
            return [read_event(event) for event in found]
        except RpcError as error:
            if error.code() is StatusCode.NOT_FOUND or "no such instance" in _said(error):
                return None
            raise


@contextmanager
def _stalled(instance_id: str) -> Iterator[None]:
    """Raise `Stalled` for what the engine answers of a stalled instance: a text, without a code."""
    try:
        yield
    except RpcError as error:
        if _said(error).endswith(("actor is stalled", "workflow is stalled")):
            raise Stalled(f"{instance_id!r} is stalled") from error
        raise


def _said(error: RpcError) -> str:
    return error.details() or ""


def has_worker(metadata: Metadata) -> bool:
    """Tell from a sidecar's metadata whether a workflow worker is connected to it."""
    workflows = metadata.get("workflows") or {}
    return int(workflows.get("connectedWorkers") or 0) > 0


def is_ready(metadata: Metadata) -> bool:
    """Tell from a sidecar's metadata whether it runs actors, which workflows are made of."""
    return bool((metadata.get("actorRuntime") or {}).get("hostReady"))
