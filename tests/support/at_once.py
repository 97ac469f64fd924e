"""Takes steps that are coroutines where nobody can await them: hypothesis' rules, on memory."""

import asyncio
import functools
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def at_once(
    step: Callable[Arguments, Coroutine[Any, Any, Result]],
) -> Callable[Arguments, Result]:
    """Make of a step one that is simply called: on a loop of its own, or within the one that runs,
    where it may wait for nothing, as nothing on memory does."""

    @functools.wraps(step)
    def take(*arguments: Arguments.args, **named: Arguments.kwargs) -> Result:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return asyncio.run(step(*arguments, **named))
        try:
            step(*arguments, **named).send(None)
        except StopIteration as end:
            result: Result = end.value
            return result
        raise AssertionError(f"{step.__name__} waits for something")

    return take
