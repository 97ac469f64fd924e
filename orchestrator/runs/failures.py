"""Turns whatever an author's code raises into an exception that the SDK can report.

The SDK's worker reports an `Exception` by the name of its class and its text. Any other exception
ends the worker's loop, and a text that cannot be encoded is never reported.
"""

import builtins
import linecache
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

TEXT_KEPT = 8_000
"""Characters of an exception's text that are kept."""
TYPE_KEPT = 200
"""Characters of the name of an exception's class that are kept."""
_SLACK = 2_000
"""How much longer a text may be before it is cut. So a text that was cut once, and then got names
of activities and children before it, is not cut again."""
_FRAMES_KEPT = 40
_TRACEBACK_KEPT = 60_000
_GROUP_SHOWN = 10

_class_name: Any = type.__dict__["__name__"]
"""Reads the name of a class past its metaclass, which may raise."""


class Failure(Exception):
    """Replaces an author's exception, under the name of that exception's class."""

    def __str__(self) -> str:
        return str(self.args[0])


def failure(error: BaseException) -> Exception:
    """Return an exception that the SDK can report: `error` itself, if it can."""
    kind, text = type_of(error), text_of(error)
    trace = _bounded_traceback(error.__traceback__)
    if isinstance(error, Exception) and _reports_as(error, kind, text):
        return error.with_traceback(trace)
    replaced = _replacement(error, kind, text).with_traceback(trace)
    replaced.__cause__ = next(causes(error), None)
    return replaced


def guarded(step: Callable[..., Any], *given: Any) -> Any:
    """Call an author's code. Raise what it raises as an exception that the SDK can report."""
    try:
        return step(*given)
    except Exception as raised:
        if isinstance(raised, StopIteration) or _has_text(raised):  # a generator's end, or plain
            raise
        replaced = failure(raised)
    except BaseException as raised:
        replaced = failure(raised)
    raise replaced


def _has_text(error: Exception) -> bool:
    try:
        return isinstance(str(error), str)
    except BaseException:  # an author's `__str__` may raise anything
        return False


def type_of(error: BaseException) -> str:
    """Return the name of an exception's class."""
    return _class_name.__get__(type(error))[:TYPE_KEPT] or "Exception"


def text_of(error: BaseException) -> str:
    """Return an exception's text. If it is empty, return its type and the line that raised it."""
    try:
        text = _text(error, groups=3)
        return text if text.strip() else f"{type_of(error)}{_place(error.__traceback__)}"
    except BaseException as raised:  # an author's `__str__` may raise anything
        return f"its text cannot be read: its __str__ raised {type_of(raised)}"


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the causes and contexts of an exception, the nearest first."""
    seen = {id(error)}  # by id: an author's exception may have its own `__eq__` and `__bool__`
    while True:
        cause = error.__cause__
        if cause is None and not error.__suppress_context__:
            cause = error.__context__
        if cause is None or id(cause) in seen:
            return
        seen.add(id(cause))
        yield cause
        error = cause


def _text(error: BaseException, groups: int) -> str:
    text = bounded(str(error), TEXT_KEPT, slack=_SLACK)
    if isinstance(error, BaseExceptionGroup) and groups:
        inner = [
            f"{type_of(one)}: {_text(one, groups - 1)}" for one in error.exceptions[:_GROUP_SHOWN]
        ]
        return bounded(f"{text}: {'; '.join(inner)}", TEXT_KEPT)
    if isinstance(error, AttributeError) and error.name == "_parent":
        kind = _class_name.__get__(type(error.obj))  # the SDK's error for what is no task
        return f"when_all and when_any take a list of tasks, and got {kind[:TYPE_KEPT]} in it"
    return text


def with_type(kind: str, text: str) -> str:
    """Put an exception's type before its text, unless the text begins with it."""
    return text if text.startswith(kind) else f"{kind}: {text}" if text else kind


def bounded(text: str, limit: int, *, slack: int = 0) -> str:
    """Return a text that UTF-8 can encode. If it is too long, cut it to `limit` characters."""
    length = str.__len__(text)
    cut = length > limit + slack
    kept = str.__getitem__(text, slice(limit if cut else length))
    kept = str.encode(kept, errors="backslashreplace").decode()
    return f"{kept}… (cut to {limit:,} of {length:,} characters)" if cut else kept


def _replacement(error: BaseException, kind: str, text: str) -> Exception:
    for base in (*type(error).__mro__, Exception):  # so that `except ValueError` still catches it
        if any(base is known for known in vars(builtins).values()) and issubclass(base, Exception):
            try:
                replaced: Exception = type(kind, (Failure, base), {})(text)
            except TypeError:  # the class takes other arguments, or has another layout
                continue
            return replaced
    raise AssertionError("Exception itself is always a base")


def _reports_as(error: Exception, kind: str, text: str) -> bool:
    try:
        return type(error).__name__ == kind and str(error) == text
    except BaseException:
        return False


def _place(trace: TracebackType | None) -> str:
    if trace is None:
        return ""
    while trace.tb_next:
        trace = trace.tb_next
    file, line = trace.tb_frame.f_code.co_filename, trace.tb_lineno
    place = f"{Path(file).name}:{line}: {linecache.getline(file, line).strip()}"
    return f" ({bounded(place.removesuffix(': '), TYPE_KEPT)})"


def _bounded_traceback(trace: TracebackType | None) -> TracebackType | None:
    """Return the innermost frames, or None if their text cannot be encoded or is too long."""
    frames = []
    while trace:
        frames.append(trace)
        trace = trace.tb_next
    kept: TracebackType | None = None
    for frame in reversed(frames[-_FRAMES_KEPT:]):
        kept = TracebackType(kept, frame.tb_frame, frame.tb_lasti, frame.tb_lineno)
    try:
        size = len("".join(traceback.format_tb(kept)).encode())
    except Exception:
        return None
    return kept if size <= _TRACEBACK_KEPT else None
