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
    """Make of a step one that is simply called, on an event loop of its own."""

    @functools.wraps(step)
    def take(*arguments: Arguments.args, **named: Arguments.kwargs) -> Result:
        return asyncio.run(step(*arguments, **named))

    return take
