"""The SDK's private names that Usher leans on are there, and mean what they are taken for."""

import asyncio
import importlib.metadata
import threading
from datetime import timedelta
from typing import Any

import pytest
from dapr.ext.workflow import RetryPolicy, WorkflowRuntime

from orchestrator.engine.sdk import SdkWorker, with_never_retried
from tests.support.driver import eventually


def worker_in(runtime: WorkflowRuntime) -> Any:
    return runtime._WorkflowRuntime__worker  # type: ignore[attr-defined]


def test_the_sdk_is_of_the_series_that_was_looked_into() -> None:
    assert importlib.metadata.version("dapr").startswith("1.19.")


def test_the_worker_has_what_is_taken_from_it() -> None:
    worker = worker_in(WorkflowRuntime())
    for name in (
        "_runLoop",
        "_async_worker_manager",
        "_execute_activity",
        "_execute_activity_async",
        "_execute_orchestrator",
        "_resolve_history",
        "_update_history_cache",
        "_history_cache",
        "_registry",
        "_deliver_activity_response",
        "_send_on_current_connection",
        "_send_orchestrator_response",
    ):
        assert hasattr(worker, name), name


def test_a_policy_keeps_what_it_had_and_retries_some_errors_no_more() -> None:
    policy = RetryPolicy(
        first_retry_interval=timedelta(seconds=2),
        max_number_of_attempts=7,
        backoff_coefficient=3,
        max_retry_interval=timedelta(seconds=9),
        retry_timeout=timedelta(hours=1),
    )
    patient = with_never_retried(policy, ["Lasting"])
    for name in ("max_number_of_attempts", "backoff_coefficient", "retry_timeout"):
        assert getattr(patient.obj, name) == getattr(policy.obj, name)
    assert set(patient.obj.non_retryable_error_types or ()) == {"Lasting"}
    assert not policy.obj.non_retryable_error_types


@pytest.fixture
def looping() -> Any:
    """A worker of the SDK's whose loop reads its queues, though no sidecar is there."""
    runtime = WorkflowRuntime()
    sdk, worker = SdkWorker(runtime), worker_in(runtime)

    def run() -> None:
        with asyncio.Runner() as runner:
            runner.run(worker._async_worker_manager.run())

    worker._runLoop = threading.Thread(target=run, daemon=True)
    worker._runLoop.start()
    eventually(lambda: sdk.loop, lambda loop: loop is not None, 5)
    yield sdk, worker
    worker._async_worker_manager._shutdown = True
    worker._runLoop.join(5)


def test_a_worker_that_reads_its_queues_has_not_ended(looping: Any) -> None:
    assert looping[0].ended is None


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_worker_whose_loop_was_stopped_has_ended(looping: Any) -> None:
    sdk, _ = looping
    sdk.loop.call_soon_threadsafe(sdk.loop.stop)
    eventually(lambda: sdk.ended, bool, 5)


def test_a_worker_whose_queues_are_read_no_more_has_ended(looping: Any) -> None:
    sdk, worker = looping
    worker._async_worker_manager._shutdown = True
    eventually(lambda: sdk.ended, bool, 5)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_worker_whose_consumer_was_cancelled_has_ended(looping: Any) -> None:
    sdk, _ = looping

    def cancel() -> None:
        next(t for t in asyncio.all_tasks() if "_consume_queue" in repr(t.get_coro())).cancel()

    sdk.loop.call_soon_threadsafe(cancel)
    eventually(lambda: sdk.ended, bool, 5)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_worker_of_which_a_task_raised_sys_exit_has_ended(looping: Any) -> None:
    sdk, _ = looping

    async def leave() -> None:
        raise SystemExit(3)

    asyncio.run_coroutine_threadsafe(leave(), sdk.loop)
    eventually(lambda: sdk.ended, bool, 5)
