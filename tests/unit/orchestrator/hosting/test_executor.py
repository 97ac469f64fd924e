"""Where work items run, what each costs the store, and that none ends the worker's loop."""

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, cast

import pytest
from dapr.ext.workflow import WorkflowActivityContext, WorkflowRuntime
from dapr.ext.workflow._durabletask.internal import protos as pb

from orchestrator.engine.sdk import SdkWorker
from orchestrator.hosting.executor import Executor
from orchestrator.hosting.isolation import run_isolated
from orchestrator.hosting.session import Session
from orchestrator.hosting.work_item import activity_item
from orchestrator.ledger.store import Store
from orchestrator.metrics import Metrics
from orchestrator.runs.activity import Activity
from tests.support.driver import eventually
from tests.unit.orchestrator.hosting.test_session import Counting
from tests.unit.test_metrics import samples

pytestmark = pytest.mark.anyio
THREADS = 4


class Bench:
    """A worker of the SDK without a sidecar, its work items run by an `Executor`."""

    def __init__(self, store: Counting, session: Session) -> None:
        self.store, self.session = store, session
        self.metrics = Metrics()
        self.answers: list[Any] = []
        self.ended: set[str] = set()
        runtime = WorkflowRuntime()
        self.worker: Any = runtime._WorkflowRuntime__worker  # type: ignore[attr-defined]
        self.runtime = runtime
        sdk = SdkWorker(runtime)
        sdk.capture(self.answers.append)
        self.executor = Executor(sdk, session, self.metrics, THREADS, self._has_ended)

    async def _has_ended(self, instance_id: str) -> bool:
        return instance_id in self.ended

    async def run(self, name: str, value: Any = None) -> Any:
        """Run an activity as the worker's loop does; return the answer that it would send."""
        request = asked(name, value)
        function = self.worker._registry.get_activity(name)
        run = self.worker._execute_activity
        if asyncio.iscoroutinefunction(function):
            run = self.worker._execute_activity_async
        before = len(self.answers)
        await run(function, request, "token")
        assert len(self.answers) == before + 1
        return self.answers[-1]


def asked(name: str, value: Any = None) -> Any:
    request = pb.ActivityRequest(name=name, taskId=1, taskExecutionId="x")
    request.workflowInstance.instanceId = "order-1"
    request.input.value = json.dumps(value)
    return request


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    store = Counting()
    session = Session(cast(Store, store), "host-1", 3)
    await session.begin()
    made = Bench(store, session)
    yield made
    made.executor.close()


def activity(bench: Bench, function: Callable[..., Any]) -> str:
    name = function.__name__
    bench.runtime.register_activity(Activity(name, function).registered(), name=name)
    return name


def the_thread() -> Callable[..., Any]:
    """Return an activity: the SDK marks the function it registers, so each test has its own."""

    def where(_: WorkflowActivityContext) -> int:
        return threading.get_ident()

    return where


def the_async_thread() -> Callable[..., Any]:
    async def where(_: WorkflowActivityContext) -> int:
        return threading.get_ident()

    return where


@pytest.mark.parametrize("made", [the_thread, the_async_thread])
async def test_an_activity_runs_on_a_thread_of_ours_and_asks_the_store_nothing(
    bench: Bench, made: Callable[[], Callable[..., Any]]
) -> None:
    name, calls = activity(bench, made()), bench.store.calls
    for _ in range(20):
        answer = await bench.run(name)
        assert int(answer.result.value) != threading.get_ident()
    assert bench.store.calls == calls


async def test_an_activity_that_is_not_here_is_left_unanswered_and_named(bench: Bench) -> None:
    await bench.worker._execute_activity(None, asked("gone"), "token")
    assert not bench.answers
    assert bench.executor.unknown_activities == {"order-1": "gone"}


async def test_after_a_death_an_activity_costs_a_read_and_a_write(bench: Bench) -> None:
    await bench.session.begin()  # nobody ended it: the process before has died
    name, calls = activity(bench, the_thread()), bench.store.calls
    await bench.run(name)
    assert bench.store.calls == calls + 2


async def test_sys_exit_fails_its_activity_alone(bench: Bench) -> None:
    def leave(_: WorkflowActivityContext) -> None:
        sys.exit(3)

    answer = await bench.run(activity(bench, leave))
    failed = answer.failureDetails
    assert (failed.errorType, failed.errorMessage) == ("SystemExit", "3")


async def test_a_spent_activity_fails_without_being_run(bench: Bench) -> None:
    ran: list[int] = []

    def killer(_: WorkflowActivityContext) -> None:
        ran.append(1)

    name = activity(bench, killer)
    for _ in range(3):
        await bench.session.count_death(activity_item(asked(name)), "exit code 3")
    answer = await bench.run(name)
    said = "the process died 3 times while it ran activity 'killer' (exit code 3)"
    assert said in answer.failureDetails.errorMessage
    assert answer.failureDetails.errorType.endswith("TaskDied")
    assert ran == []


async def test_activities_of_one_name_leave_threads_for_others(bench: Bench) -> None:
    over = threading.Event()

    def blocks(_: WorkflowActivityContext) -> None:
        over.wait(30)

    name, other = activity(bench, blocks), activity(bench, the_thread())
    blocked = [asyncio.create_task(_run(bench, name)) for _ in range(9)]

    def running() -> float:
        return samples(bench.metrics.text()).get("usher_activities_running,blocks", 0)

    await asyncio.to_thread(eventually, running, (3.0).__eq__, 10)
    await bench.executor.look()
    found = samples(bench.metrics.text())
    assert found["usher_activities_waiting"] == 6
    assert found["usher_activity_threads"] == THREADS
    await asyncio.wait_for(_run(bench, other), 10)
    over.set()
    await asyncio.gather(*blocked)


async def _run(bench: Bench, name: str) -> None:
    function = bench.worker._registry.get_activity(name)
    await bench.worker._execute_activity(function, asked(name), "token")


async def test_an_isolated_activity_answers_as_ever() -> None:
    request = asked("hello_activity", "Ada")
    answer = await run_isolated("activity", request.SerializeToString(), "token")
    response = pb.ActivityResponse.FromString(answer)
    assert json.loads(response.result.value) == "Hello, Ada!"
    assert (response.instanceId, response.completionToken) == ("order-1", "token")


def test_a_process_in_a_bounded_container_gets_a_memory_error(tmp_path: Path) -> None:
    limit = tmp_path / "memory.max"
    limit.write_text(str(2**30))
    body = (
        "from pathlib import Path; from orchestrator.hosting.memory_limit import bound_memory\n"
        f"bound_memory(Path({str(limit)!r}))\n"
        "try: bytearray(2**31)\nexcept MemoryError: print('bounded')"
    )
    done = subprocess.run([sys.executable, "-c", body], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("bounded\n", "")


async def test_an_activity_of_a_run_that_has_ended_is_not_begun_again(bench: Bench) -> None:
    def never(_: WorkflowActivityContext, __: Any) -> None:
        pytest.fail("it was run")

    bench.ended.add("order-1")
    answer = await bench.run(activity(bench, never))
    assert "has ended: not run again" in answer.failureDetails.errorMessage
