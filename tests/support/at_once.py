"""Takes steps that are coroutines where nobody can await them: hypothesis' rules, on memory."""

import functools
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def at_once(
    step: Callable[Arguments, Coroutine[Any, Any, Result]],
) -> Callable[Arguments, Result]:
    """Make of a step that waits for nothing, as all on memory, one that is simply called."""

    @functools.wraps(step)
    def take(*arguments: Arguments.args, **named: Arguments.kwargs) -> Result:
        try:
            step(*arguments, **named).send(None)
        except StopIteration as end:
            result: Result = end.value
            return result
        raise AssertionError(f"{step.__name__} waits for something")

    return take
