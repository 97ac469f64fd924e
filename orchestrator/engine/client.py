"""A client of the Dapr workflow engine: starts, controls and reads instances."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import httpx
from dapr.ext.workflow import WorkflowState
from dapr.ext.workflow.aio import DaprWorkflowClient
from grpc import RpcError, StatusCode

from chassis.sidecar import Metadata, Sidecar
from contracts.http import HistoryEvent
from orchestrator.engine.envelope import Cause, seal
from orchestrator.engine.history import read_event
from orchestrator.engine.sdk import inner_client, purge_by_force
from orchestrator.engine.state import Unreadable
from orchestrator.engine.state_reader import StateReader, once_saved

PAGE = 1_000_000


class Stalled(Exception):
    """The engine has stopped this one instance: it accepts no event and no control.

    It goes on once the code that it was started with is back, or never.
    """


class Engine:
    """Calls the engine through the SDK. Raises `RpcError` where the engine refuses or is away."""

    def __init__(self, client: DaprWorkflowClient, sidecar: Sidecar) -> None:
        self._client = client
        self._sidecar = sidecar
        self._reader = StateReader(client)

    async def worker_connected(self) -> bool:
        """Return whether the engine has our workflow worker. The SDK's own answer may be wrong."""
        return has_worker(await self._sidecar.metadata())

    async def is_well(self) -> bool:
        """Return whether the engine serves instances; if so, a failed call is an instance's."""
        try:
            return await self.worker_connected()
        except httpx.HTTPError:
            return False

    async def state(self, instance_id: str) -> WorkflowState | None:
        """Return the state of an instance, or None where there is none.

        Returns `Unreadable`, whose status is STALLED, where only this instance cannot be read.
        """
        return await self._reader.read(instance_id)

    async def schedule(self, workflow: str, value: Any, instance_id: str, cause: Cause) -> bool:
        """Start an instance; return False where that id is already active.

        Returns once the instance runs. A call that timed out may still have started it.
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
        """Start one of Usher's own instances at `time`. An instance that has the id stays.

        It stays even if it cannot be read: `redelivery` does its work then.
        """
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
        """Return the id of every instance, in large pages: each costs a scan of all keys."""
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
        """Remove an ended instance and its history. Raises `Stalled`."""
        with _stalled(instance_id):
            await self._client.purge_workflow(instance_id)

    async def remove(self, instance_id: str) -> None:
        """Remove a stalled instance by force, as the engine neither terminates nor purges it.

        Its children stay. An instance that is gone already is no error.
        """
        if await self.state(instance_id):
            await purge_by_force(self._client, instance_id)

    async def history(self, instance_id: str) -> list[HistoryEvent] | None:
        """Return an instance's history, oldest first, or None where there is no such instance.

        The client inside the SDK's client is called, because the SDK's own view of the history
        omits the purpose of timers.
        """
        try:
            found: list[Any] = await once_saved(
                inner_client(self._client).get_instance_history, instance_id
            )
            return [read_event(event) for event in found]
        except RpcError as error:
            if error.code() is StatusCode.NOT_FOUND or "no such instance" in _said(error):
                return None
            raise


@contextmanager
def _stalled(instance_id: str) -> Iterator[None]:
    """Raise `Stalled` where the engine's error says so: it has a text for it, but no code."""
    try:
        yield
    except RpcError as error:
        if _said(error).endswith(("actor is stalled", "workflow is stalled")):
            raise Stalled(f"{instance_id!r} is stalled") from error
        raise


def _said(error: RpcError) -> str:
    return error.details() or ""


def has_worker(metadata: Metadata) -> bool:
    """Return whether a workflow worker is connected, by the sidecar's metadata."""
    workflows = metadata.get("workflows") or {}
    return int(workflows.get("connectedWorkers") or 0) > 0


def is_ready(metadata: Metadata) -> bool:
    """Return whether the sidecar runs actors, which workflows need, by its metadata."""
    return bool((metadata.get("actorRuntime") or {}).get("hostReady"))
