"""The decorators `@workflow()` and `@activity`: they tag a function, and the orchestrator finds it.

Authors import both from `usher`. A decorator returns the same function, with its own type.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from contracts.routes.triggers import Trigger

TAG = "__usher__"

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True)
class WorkflowTag:
    """The options of a workflow."""

    example: Any = None
    announce: bool = True
    on: tuple[Trigger, ...] = ()


@dataclass(frozen=True)
class ActivityTag:
    """Marks an activity."""


def workflow(
    _bare: None = None,
    /,
    *,
    example: Any = None,
    announce: bool = True,
    on: Sequence[Trigger] = (),
) -> Callable[[Function], Function]:
    """Make a generator function a workflow, registered under the function's name.

    `example` is a valid input, as JSON data. Lists and forms show it, and tests run it.
    `announce=False` is for a workflow that runs only as a child: its endings are not announced.
    `on` lists the events, and the times, that start the workflow, reach it or stop it.
    """

    if _bare is not None:
        raise TypeError("write `@workflow()`, with its parentheses")
    if isinstance(on, Trigger):
        raise TypeError("write `on=[...]`, a list also of one")

    def tag(function: Function) -> Function:
        setattr(function, TAG, WorkflowTag(example, announce, tuple(on)))
        return function

    return tag


def activity(function: Function) -> Function:
    """Make a function an activity, registered under its name."""
    setattr(function, TAG, ActivityTag())
    return function
