"""Evaluates the expressions of a route. What fails is a refusal that names the expression."""

from typing import Any

from contracts.events import Reason
from contracts.expiry import rfc3339
from contracts.keys import key_text
from contracts.refusal import Refused
from contracts.routes.event_view import EventView, Missing, NotEvaluated
from contracts.routes.expression import Expression
from contracts.routes.route import Route

MOST_SHOWN = 100
"""How many characters of a value a message shows."""


def condition(when: Expression | None, view: EventView) -> str | None:
    """Return why a condition does not hold; None if it does."""
    if when is None:
        return None
    try:
        found = when.evaluate(view)
    except Missing as missing:
        return f"when: {missing}"
    except NotEvaluated as error:
        raise _failed("when", when, error.message, error.field) from error
    if not isinstance(found, bool):
        raise _failed("when", when, f"gives {_shown(found)}, not true or false")
    return None if found else "when is false"


def key_of(expression: Expression, view: EventView) -> str:
    try:
        return key_text(expression.evaluate(view))
    except Missing as missing:
        raise _failed("key", expression, str(missing), missing.path, Reason.NO_KEY) from missing
    except NotEvaluated as error:
        raise _failed("key", expression, error.message, error.field, Reason.NO_KEY) from error
    except ValueError as error:
        raise _failed("key", expression, str(error), reason=Reason.NO_KEY) from error


def payload(route: Route, name: str, expression: Expression | None, view: EventView) -> Any:
    if expression is None:
        return None if route.schedule else view.data
    return _evaluated(name, expression, view)


def _evaluated(name: str, expression: Expression, view: EventView) -> Any:
    try:
        return expression.evaluate(view)
    except Missing as missing:
        raise _failed(name, expression, str(missing), missing.path) from missing
    except NotEvaluated as error:
        raise _failed(name, expression, error.message, error.field) from error


def time_at(expression: Expression, view: EventView) -> str:
    value = _evaluated("at", expression, view)
    try:
        return rfc3339(value).isoformat()
    except ValueError as error:
        raise _failed("at", expression, f"gives {_shown(value)}, which is no time") from error


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"


def _failed(
    name: str,
    expression: Expression,
    message: str,
    at: str | None = None,
    reason: Reason = Reason.ROUTE_CONDITION,
) -> Refused:
    """Return the refusal for an expression of a route, which names the expression."""
    only = ".".join(expression.reads.only) if expression.reads.only else None
    return Refused(reason, f"{name} `{expression.text}`: {message}", at or only)
