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
from orchestrator.runs.wrapper import Tell, wrapped

QUIET = LoggerOptions(log_level="ERROR")
"""The SDK logs a line a turn; ours say the same once, with the event's id."""

ACTIVITIES_HELD = 10_000
"""How many activities the worker holds. With the SDK's 100 a core, those that wait for a thread
would keep Usher's own from being run."""

Result = TypeVar("Result")


@dataclass(frozen=True)
class OwnActivities:
    """What Usher's own activities do, and `tell`, what its last turn does."""

    tell: Tell
    announce: Callable[[WorkflowCompleted, Cause], Coroutine[Any, Any, None]]
    may_run: Callable[[str, int], Coroutine[Any, Any, bool]]
    expire: Callable[[str], Coroutine[Any, Any, None]]
    claim: Callable[[str, str], Coroutine[Any, Any, str | None]]


def build_worker(catalogue: Catalogue, own: OwnActivities) -> SdkWorker:
    """Return a worker that hosts the catalogue; each workflow announces its own end.

    Usher's own activities run on the event loop that this is called on; the worker has its own.
    """
    runtime = WorkflowRuntime(
        logger_options=QUIET,
        maximum_thread_pool_workers=THREADS,
        maximum_concurrent_activity_work_items=ACTIVITIES_HELD,
    )
    ours = asyncio.get_running_loop()

    def on_ours(step: Coroutine[Any, Any, Result]) -> asyncio.Future[Result]:
        return asyncio.wrap_future(asyncio.run_coroutine_threadsafe(step, ours))

    async def announce_completion(_: WorkflowActivityContext, news: dict[str, Any]) -> None:
        notice = WorkflowCompleted.model_validate(news["notice"])
        await on_ours(own.announce(notice, Cause.model_validate(news["cause"])))

    async def claim_run(_: WorkflowActivityContext, asked: dict[str, Any]) -> bool:
        return await on_ours(own.may_run(asked["key"], asked["attempt"]))

    async def settle_expired(_: WorkflowActivityContext, key: str) -> None:
        await on_ours(own.expire(key))

    async def claim_child(_: WorkflowActivityContext, asked: dict[str, str]) -> str | None:
        return await on_ours(own.claim(asked["instance_id"], asked["parent"]))

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
        runtime.register_workflow(wrapped(definition, own.tell, catalogue.code), name=name)
    worker = SdkWorker(runtime)
    stall_runs_without_code(worker)
    return worker
