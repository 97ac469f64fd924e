"""Registers every workflow and activity, and Usher's own activities, with the Dapr runtime."""

import asyncio
from collections.abc import Callable, Coroutine, Generator
from dataclasses import dataclass
from typing import Any, TypeVar

from dapr.ext.workflow import DaprWorkflowContext, WorkflowActivityContext, WorkflowRuntime
from dapr.ext.workflow.logger import LoggerOptions

from contracts.events import WorkflowCompleted
from contracts.identity import OWN_RUN
from orchestrator.authoring.catalogue import Catalogue
from orchestrator.engine.envelope import Cause
from orchestrator.engine.sdk import SdkWorker
from orchestrator.engine.stalling import stall_runs_without_code
from orchestrator.hosting.turn_watch import THREADS
from orchestrator.runs.activity import Activity
from orchestrator.runs.reserved import ANNOUNCE, CLAIM_CHILD, FENCE, SETTLE
from orchestrator.runs.tasks import RETRY_POLICY
from orchestrator.runs.wrapper import AnnounceInTurn, wrapped

QUIET = LoggerOptions(log_level="ERROR")
"""Silences the SDK's log line for each turn. Usher logs the same once, with the event's id."""

ACTIVITIES_HELD = 10_000
"""How many activities the worker accepts at once. The SDK's default is 100 a core: activities that
wait for a thread would then keep out Usher's own."""

Result = TypeVar("Result")


@dataclass(frozen=True)
class OwnActivities:
    """What Usher's own activities do. `in_turn` announces an ending in the last turn."""

    in_turn: AnnounceInTurn
    announce: Callable[[WorkflowCompleted, Cause], Coroutine[Any, Any, None]]
    may_run: Callable[[str, int], Coroutine[Any, Any, bool]]
    end_wait: Callable[[str], Coroutine[Any, Any, None]]
    claim: Callable[[str, str], Coroutine[Any, Any, str | None]]


def build_worker(catalogue: Catalogue, own: OwnActivities) -> SdkWorker:
    """Return a worker that hosts the catalogue. Each workflow announces its own ending.

    Usher's own activities run on the caller's event loop. The worker has a loop of its own.
    """
    runtime = WorkflowRuntime(
        logger_options=QUIET,
        maximum_thread_pool_workers=THREADS,
        maximum_concurrent_activity_work_items=ACTIVITIES_HELD,
    )
    service_loop = asyncio.get_running_loop()

    def on_service_loop(step: Coroutine[Any, Any, Result]) -> asyncio.Future[Result]:
        return asyncio.wrap_future(asyncio.run_coroutine_threadsafe(step, service_loop))

    async def announce_completion(_: WorkflowActivityContext, values: dict[str, Any]) -> None:
        notice = WorkflowCompleted.model_validate(values["notice"])
        await on_service_loop(own.announce(notice, Cause.model_validate(values["cause"])))

    async def claim_run(_: WorkflowActivityContext, values: dict[str, Any]) -> bool:
        return await on_service_loop(own.may_run(values["key"], values["attempt"]))

    async def settle_expired(_: WorkflowActivityContext, key: str) -> None:
        await on_service_loop(own.end_wait(key))

    async def claim_child(_: WorkflowActivityContext, values: dict[str, str]) -> str | None:
        return await on_service_loop(own.claim(values["instance_id"], values["parent"]))

    def usher_expire(ctx: DaprWorkflowContext, key: str) -> Generator[Any, Any, None]:
        yield ctx.call_activity(SETTLE, input=key, retry_policy=RETRY_POLICY)

    runtime.register_activity(announce_completion, name=ANNOUNCE)
    runtime.register_activity(claim_run, name=FENCE)
    runtime.register_activity(settle_expired, name=SETTLE)
    runtime.register_activity(claim_child, name=CLAIM_CHILD)
    runtime.register_workflow(usher_expire, name=OWN_RUN)
    for name, function in catalogue.activities.items():
        runtime.register_activity(Activity(name, function).registered(), name=name)
    for name, definition in catalogue.workflows.items():
        runtime.register_workflow(wrapped(definition, own.in_turn, catalogue.code), name=name)
    worker = SdkWorker(runtime)
    stall_runs_without_code(worker)
    return worker
