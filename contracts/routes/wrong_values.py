"""Says in words which values of a route are wrong, and what to write."""

from collections.abc import Iterable

from pydantic import ValidationError

_EXPRESSIONS = ("when", "key", "input", "data", "at")
_DURATION = "write a duration such as 90s, 15m, 1h or 2d"
_OF_PATTERN = {
    "delay": _DURATION,
    "early": _DURATION,
    "from": "write a topic of letters, digits, `.`, `_`, `:` and `-`, or component/topic",
}


def wrong_values(error: ValidationError) -> Iterable[tuple[str, str]]:
    """Return each field whose value is wrong, once, and what to write."""
    seen: dict[str, str] = {}
    for detail in error.errors(include_url=False, include_context=False):
        field = str(detail["loc"][0])
        if field in _EXPRESSIONS and isinstance(detail["input"], dict | list):
            seen.setdefault(field, "quote it: it is an expression, which is text")
        seen.setdefault(field, _worded(field, detail["msg"]))
    return seen.items()


def _worded(field: str, message: str) -> str:
    if field in _OF_PATTERN and "pattern" in message:
        return _OF_PATTERN[field]
    if field == "since":
        return "write a time such as 2030-01-31T08:00:00Z, or all"
    if "valid boolean" in message:
        return "write true or false"
    return message.removeprefix("Value error, ").replace("Input should", "should")
