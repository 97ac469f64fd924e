"""Checks signatures and examples: parameters, types, that a workflow yields, that examples parse.

Usher checks them at start-up. At the first request it would be too late: the event is accepted.
"""

import inspect
import json
from collections.abc import Callable, Iterator
from typing import Any

from contracts.refusal import Refused
from orchestrator.runs.definition import Definition


def workflow_faults(definition: Definition) -> Iterator[str]:
    """Return each reason why this workflow could not serve a request."""
    function = inspect.unwrap(definition.function)
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        yield "a workflow is a plain generator: write `def`, not `async def`, and `yield` its tasks"
    elif not inspect.isgeneratorfunction(function):
        yield (
            "a workflow is a generator, and this never yields: write "
            "`result = yield ctx.call_activity(...)`, or make it an @activity"
        )
    if not _takes_context_and_input(function):
        yield "a workflow takes (ctx) or (ctx, input): put what else it needs into a model"
    elif definition.takes_input and definition.annotation is inspect.Parameter.empty:
        yield (
            f"`{definition.parameter}` has no type, so no request can be checked: write "
            f"`{definition.parameter}: str`, a Pydantic model, or Any to take anything"
        )
    else:
        yield from _input_faults(definition)


def activity_faults(function: Callable[..., Any]) -> Iterator[str]:
    """Return each reason why a workflow could not call this activity."""
    if inspect.isgeneratorfunction(inspect.unwrap(function)):
        yield "an activity returns its result and this one yields: did you mean @workflow()?"
    if not _takes_context_and_input(function):
        yield "an activity takes (ctx) or (ctx, input): put what else it needs into a model"


def _takes_context_and_input(function: Callable[..., Any]) -> bool:
    signature = inspect.signature(function)
    try:
        signature.bind(*([None] * min(len(signature.parameters), 2)))
    except TypeError:
        return False
    return bool(signature.parameters)


def _input_faults(definition: Definition) -> Iterator[str]:
    try:
        definition.input_schema()
    except Exception as error:  # an annotation may raise anything
        why = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
        yield (
            f"the type of its input has no JSON Schema ({why}): "
            "write a Pydantic model or a plain type, defined or imported in this file"
        )
        return
    try:
        example = json.loads(json.dumps(definition.tag.example, allow_nan=False))
    except (TypeError, ValueError) as error:
        yield f"its example is no JSON ({error}): write it as a publisher would send it"
        return
    try:
        first, second = definition.parse(example), definition.parse(example)
        differs = first != second and definition.as_json(first) != definition.as_json(second)
    except Refused as refused:
        if example is not None:
            yield f"its example does not fit its own input: {refused}"
        return
    except Exception:  # a validator needs something that is not there yet
        return
    if differs:
        yield (
            "its input differs each time it is read, and a replay reads it again: write no "
            "`default_factory` such as uuid4 or now; get the value in an activity"
        )
