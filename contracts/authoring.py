"""What authors write: `@workflow()` and `@activity` tag a function, and the orchestrator finds it.

Authors import both from `usher`. A decorated function is the same function, with its own type.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

TAG = "__usher__"

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True)
class WorkflowTag:
    """What an author says of a workflow."""

    example: Any = None
    announce: bool = True


@dataclass(frozen=True)
class ActivityTag:
    """Marks an activity."""


def workflow(
    _bare: None = None, /, *, example: Any = None, announce: bool = True
) -> Callable[[Function], Function]:
    """Make a generator function a workflow, registered under the function's name.

    `example` is an input that works, as JSON data; it is shown to people and run by tests.
    `announce=False` is for a workflow that is only ever a child: its end is no news.
    """

    if _bare is not None:
        raise TypeError("write `@workflow()`, with its parentheses")

    def tag(function: Function) -> Function:
        setattr(function, TAG, WorkflowTag(example=example, announce=announce))
        return function

    return tag


def activity(function: Function) -> Function:
    """Make a function an activity, registered under its name."""
    setattr(function, TAG, ActivityTag())
    return function
