"""Runs an author's activity: parses the input by its annotation, and returns the result as JSON.

The SDK's worker gets plain JSON, or an exception that it can report.
"""

import asyncio
import inspect
from collections.abc import Callable, Coroutine
from typing import Any

from dapr.ext.workflow import WorkflowActivityContext
from pydantic import ValidationError

from contracts.refusal import explain, with_field
from orchestrator.runs.failures import failure
from orchestrator.runs.input_type import InputType
from orchestrator.runs.payload import MAX_RESULT_BYTES, fitted

STOP_SECONDS = 1.0
"""How long an `async` activity may clean up when the worker stops."""


class InvalidInput(ValueError):
    """The input does not fit the activity's annotation."""


class Activity:
    """One activity, as the SDK's worker calls it."""

    def __init__(self, name: str, function: Callable[..., Any]) -> None:
        self.name = name
        self._function = function
        self._takes_input = len(inspect.signature(function).parameters) > 1
        self._input = _input_type(function) if self._takes_input else None

    def registered(self) -> Callable[[WorkflowActivityContext, Any], Any]:
        """Return the function to register. It is `async` if the author's is."""

        async def run_async(ctx: WorkflowActivityContext, given: Any = None) -> Any:
            return await self._run_async(ctx, given)

        def run(ctx: WorkflowActivityContext, given: Any = None) -> Any:
            return self._run(ctx, given)

        is_async = inspect.iscoroutinefunction(inspect.unwrap(self._function))
        function: Callable[[WorkflowActivityContext, Any], Any] = run_async if is_async else run
        function.__name__ = self.name
        return function

    def _run(self, ctx: WorkflowActivityContext, given: Any) -> Any:
        try:
            result = self._function(*self._arguments(ctx, given))
            if inspect.iscoroutine(result):
                result.close()
                raise TypeError("it returned a coroutine: write `async def`, or await it")
            return self._result(result)
        except BaseException as raised:
            raise failure(raised) from None

    async def _run_async(self, ctx: WorkflowActivityContext, given: Any) -> Any:
        """Run in a separate task. So a cancel by the author differs from a stop of the worker."""
        _contain_tasks(asyncio.get_running_loop())
        running = asyncio.ensure_future(self._attempt(ctx, given))
        try:
            await asyncio.wait({running})
        except asyncio.CancelledError:  # the worker stops: no answer, so the engine asks again
            running.cancel()
            await asyncio.wait({running}, timeout=STOP_SECONDS)
            raise
        try:
            return running.result()
        except asyncio.CancelledError as raised:
            raise failure(raised) from None

    async def _attempt(self, ctx: WorkflowActivityContext, given: Any) -> Any:
        try:
            return self._result(await self._function(*self._arguments(ctx, given)))
        except asyncio.CancelledError as raised:
            task = asyncio.current_task()
            if task and task.cancelling():
                raise
            raise failure(raised) from None  # the author awaited a task that was cancelled
        except BaseException as raised:
            raise failure(raised) from None

    def _arguments(self, ctx: WorkflowActivityContext, given: Any) -> tuple[Any, ...]:
        if not self._takes_input:
            return (ctx,)
        if self._input is None:
            return (ctx, _by_model_validate(self._function, given))
        try:
            return (ctx, self._input.parse(given, by_name=True))
        except ValidationError as error:
            raise InvalidInput(with_field(*explain(error, given, root="input"))) from error

    def _result(self, result: Any) -> Any:
        return fitted(result, f"the result of activity {self.name}", MAX_RESULT_BYTES)[0]


def _input_type(function: Callable[..., Any]) -> InputType | None:
    """Return the type of the annotation, or None if JSON cannot be parsed as it."""
    found = InputType(function, closed=False)
    try:
        found.json_schema()
    except Exception:  # an annotation may raise anything, e.g. a name only type checkers know
        return None
    return found


def _by_model_validate(function: Callable[..., Any], given: Any) -> Any:
    """Return the input from `model_validate` of its class, as the SDK does, or unchanged."""
    annotation = list(inspect.signature(function).parameters.values())[1].annotation
    validate = getattr(annotation, "model_validate", None)
    return validate(given) if callable(validate) and isinstance(given, dict) else given


def _contain_tasks(loop: asyncio.AbstractEventLoop) -> None:
    """Make `sys.exit()` in a task of an activity fail that task instead of ending the loop."""
    if loop.get_task_factory() is None:
        loop.set_task_factory(_contained)


def _contained(
    loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any
) -> asyncio.Task[Any]:
    task = asyncio.Task(_exits_as_failure(coroutine), loop=loop, **options)
    task.add_done_callback(lambda _: coroutine.close())  # a task cancelled at once never began it
    return task


async def _exits_as_failure(coroutine: Coroutine[Any, Any, Any]) -> Any:
    try:
        return await coroutine
    except (SystemExit, KeyboardInterrupt) as raised:
        raise failure(raised) from None
