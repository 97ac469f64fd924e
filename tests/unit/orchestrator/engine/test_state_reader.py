"""A record that cannot be read is that instance's fault only while the engine reads others."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import grpc
import pytest
from dapr.ext.workflow.aio import DaprWorkflowClient

from orchestrator.engine import state_reader
from orchestrator.engine.state import Unreadable
from orchestrator.engine.state_reader import KEPT_SECONDS, PATIENCE, StateReader
from tests.support.sidecar import CallFailed

UNKNOWN = grpc.StatusCode.UNKNOWN
SAVING = CallFailed(UNKNOWN, "declared in metadata but missing from state store")
Answer = Callable[[], Awaitable[Any]]


def failing(error: Exception) -> Answer:
    async def answer() -> Any:
        raise error

    return answer


async def hanging() -> Any:
    await asyncio.Event().wait()


async def nobody() -> None:
    return None


async def sound() -> str:
    return "sound"


class Client:
    """The SDK's workflow client: answers for `i-…` what it is told, and for all else `others`."""

    def __init__(self, *answers: Answer, others: Answer = nobody) -> None:
        self.answers = list(answers)
        self.others = others
        self.reads = 0

    async def get_workflow_state(self, instance_id: str) -> Any:
        if not instance_id.startswith("i-"):
            return await self.others()
        self.reads += 1
        return await self.answers[min(self.reads, len(self.answers)) - 1]()


def reader_of(client: Client, clock: Callable[[], float] = lambda: 0.0) -> StateReader:
    return StateReader(cast(DaprWorkflowClient, client), clock)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_reader, "PATIENCE", (0.01, 0.05))
    monkeypatch.setattr(state_reader, "OTHERS_SECONDS", 0.05)


@pytest.mark.parametrize(
    "error",
    [
        CallFailed(UNKNOWN, "failed to unmarshal workflow metadata"),
        CallFailed(UNKNOWN, "WRONGTYPE Operation against a key holding the wrong kind of value"),
        CallFailed(UNKNOWN, "some text that no version has said before"),
        SAVING,
        OverflowError("timestamp"),
        ValueError("year 292277 is out of range"),
    ],
)
async def test_an_instance_that_alone_cannot_be_read_is_unreadable(error: Exception) -> None:
    found = await reader_of(Client(failing(error))).read("i-1")
    assert isinstance(found, Unreadable)
    said = error.details() if isinstance(error, CallFailed) else str(error)
    assert said in found.stall.message


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("others", [failing(CallFailed(UNKNOWN, "i/o timeout")), hanging])
async def test_an_engine_that_reads_nothing_is_away(others: Answer) -> None:
    error = CallFailed(UNKNOWN, "i/o timeout")
    with pytest.raises(CallFailed):
        await reader_of(Client(failing(error), others=others)).read("i-1")
    with pytest.raises(TimeoutError):
        await reader_of(Client(hanging, others=others)).read("i-1")


async def test_a_record_that_is_being_saved_is_read_again() -> None:
    client = Client(failing(SAVING), failing(SAVING), sound)
    assert cast(Any, await reader_of(client).read("i-1")) == "sound"


@pytest.mark.usefixtures("impatient")
async def test_one_that_takes_too_long_is_not_read_again_for_a_while() -> None:
    client, now = Client(hanging, sound), [0.0]
    reader = reader_of(client, lambda: now[0])
    first = await reader.read("i-1")
    assert isinstance(first, Unreadable)
    now[0] = KEPT_SECONDS - 1
    assert await reader.read("i-1") is first
    assert client.reads == 1
    now[0] = KEPT_SECONDS + 1
    assert cast(Any, await reader.read("i-1")) == "sound"
    assert cast(Any, await reader.read("i-1")) == "sound"


async def test_many_that_take_too_long_hold_up_the_others_for_a_bounded_time() -> None:
    reader = reader_of(Client(hanging))
    least, most = PATIENCE
    assert reader._patience("i-0") == most
    for number in range(20):
        reader._slow[f"i-{number}"] = (0.0, Unreadable(f"i-{number}", ""))
    assert reader._patience("i-0") == reader._patience("i-new") == least
