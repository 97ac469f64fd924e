"""The workflow engine in our words: what its answers and errors mean."""

from types import SimpleNamespace
from typing import Any, cast

import grpc
import httpx
import pytest
from dapr.ext.workflow._durabletask.internal import protos as pb
from dapr.ext.workflow.aio import DaprWorkflowClient

from chassis.sidecar import Sidecar
from orchestrator.engine.client import Engine
from orchestrator.engine.envelope import Cause, unseal
from tests.support.sidecar import CallFailed


class Client:
    """The SDK's workflow client: keeps what it is told, raises what it must."""

    def __init__(self, raises: Exception | None = None, pages: Any = None) -> None:
        self._raises = raises
        self._pages = pages
        self.scheduled: dict[str, Any] = {}

    async def schedule_new_workflow(self, workflow: str, **options: Any) -> None:
        if self._raises:
            raise self._raises
        self.scheduled = {"workflow": workflow, **options}

    @property
    def _DaprWorkflowClient__obj(self) -> "Client":  # noqa: N802  # what the SDK calls its inside
        return self

    async def get_instance_history(self, _: str) -> list[Any]:
        if self._raises:
            raise self._raises
        return [pb.HistoryEvent(eventId=1, taskScheduled=pb.TaskScheduledEvent(name="shout"))]

    async def list_workflow_instance_ids(
        self, *, page_size: int, continuation_token: str | None
    ) -> Any:
        assert page_size > 0
        return self._pages[continuation_token]

    iter_workflow_instance_ids = DaprWorkflowClient.iter_workflow_instance_ids


def engine_of(client: Client, metadata: httpx.Response | Exception | None = None) -> Engine:
    def answer(_: httpx.Request) -> httpx.Response:
        if isinstance(metadata, Exception):
            raise metadata
        return metadata or httpx.Response(404)

    http = httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://sidecar")
    return Engine(cast(DaprWorkflowClient, client), Sidecar(http))


async def test_an_instance_starts_with_its_input_and_its_cause_in_one_envelope() -> None:
    client = Client()
    assert await engine_of(client).schedule("hello_workflow", "Ada", "i-1", Cause(event_id="e-1"))
    assert (client.scheduled["workflow"], client.scheduled["instance_id"]) == (
        "hello_workflow",
        "i-1",
    )
    assert unseal(client.scheduled["input"]) == (Cause(event_id="e-1"), "Ada")


async def test_an_id_that_is_active_already_is_told_and_other_errors_are_raised() -> None:
    taken = Client(CallFailed(grpc.StatusCode.ALREADY_EXISTS))
    assert not await engine_of(taken).schedule("hello_workflow", "Ada", "i-1", Cause())
    away = Client(CallFailed(grpc.StatusCode.UNAVAILABLE))
    with pytest.raises(CallFailed):
        await engine_of(away).schedule("hello_workflow", "Ada", "i-1", Cause())


@pytest.mark.parametrize(
    "error",
    [
        CallFailed(grpc.StatusCode.NOT_FOUND),
        CallFailed(grpc.StatusCode.UNKNOWN, "no such instance exists"),
    ],
)
async def test_an_instance_that_is_not_there_has_no_history(error: CallFailed) -> None:
    assert await engine_of(Client(error)).history("i-1") is None


async def test_a_history_that_cannot_be_asked_for_is_no_missing_instance() -> None:
    (event,) = await engine_of(Client()).history("i-1") or []
    assert (event.type, event.name) == ("TASK_SCHEDULED", "shout")
    with pytest.raises(CallFailed):
        await engine_of(Client(CallFailed(grpc.StatusCode.UNAVAILABLE))).history("i-1")


@pytest.mark.parametrize("times", [1, 2])
async def test_a_history_that_is_being_saved_is_asked_for_again(times: int) -> None:
    class Saving(Client):
        left = times

        async def get_instance_history(self, instance_id: str) -> list[Any]:
            if self.left:
                self.left -= 1
                missing = (
                    "inbox key 'inbox-000001' declared in metadata but missing from state store"
                )
                raise CallFailed(grpc.StatusCode.UNKNOWN, missing)
            return await super().get_instance_history(instance_id)

    assert await engine_of(Saving()).history("i-1") == await engine_of(Client()).history("i-1")


@pytest.mark.parametrize(
    ("metadata", "connected"),
    [
        ({"workflows": {"connectedWorkers": 1}}, True),
        ({"workflows": {"connectedWorkers": 0}}, False),
        ({"workflows": {}}, False),
        ({"workflows": None}, False),
        ({}, False),
    ],
)
async def test_the_sidecar_says_whether_it_has_our_worker(metadata: Any, connected: bool) -> None:
    engine = engine_of(Client(), httpx.Response(200, json=metadata))
    assert await engine.worker_connected() is connected


@pytest.mark.parametrize("away", [httpx.Response(500), httpx.ConnectError("refused")])
async def test_a_sidecar_that_is_away_says_nothing(away: httpx.Response | Exception) -> None:
    with pytest.raises(httpx.HTTPError):
        await engine_of(Client(), away).worker_connected()


async def test_all_ids_are_listed_page_by_page() -> None:
    first = SimpleNamespace(instance_ids=["a", "b"], continuation_token="2")
    last = SimpleNamespace(instance_ids=["c"], continuation_token=None)
    assert await engine_of(Client(pages={None: first, "2": last})).all_ids() == ["a", "b", "c"]
