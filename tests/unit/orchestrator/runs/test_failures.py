"""Whatever is raised becomes an exception that the SDK can report: typed, bounded, encodable."""

import asyncio
import sys
from collections.abc import Callable
from typing import Any

import pytest
from dapr.ext.workflow._durabletask.internal import helpers

from orchestrator.runs.failures import TEXT_KEPT, failure, guarded, text_of, type_of


class Speechless(Exception):
    def __str__(self) -> str:
        raise KeyboardInterrupt


class Nameless(type):
    @property
    def __name__(cls) -> str:  # type: ignore[override]
        raise SystemExit


class Odd(Exception, metaclass=Nameless):
    pass


class NoText(Exception):
    def __str__(self) -> str:
        return 7  # type: ignore[return-value]


def raised(error: BaseException) -> BaseException:
    try:
        raise error
    except BaseException as caught:
        return caught


def nested() -> Exception:
    error: Exception = ValueError("inmost")
    for _ in range(2_000):
        error = ExceptionGroup("level", [error])
    return error


NESTED = nested()
ERRORS = [
    (SystemExit(3), "SystemExit", "3"),
    (KeyboardInterrupt(), "KeyboardInterrupt", "KeyboardInterrupt (test_failures.py:"),
    (GeneratorExit(), "GeneratorExit", "raise error"),
    (asyncio.CancelledError("by hand"), "CancelledError", "by hand"),
    (ValueError("caf\udce9"), "ValueError", "caf\\udce9"),
    (UnicodeDecodeError("utf-8", b"\xe9", 0, 1, "bad"), "UnicodeDecodeError", "can't decode"),
    (UnicodeEncodeError("utf-8", "\ud800", 0, 1, "bad"), "UnicodeEncodeError", "can't encode"),
    (OSError(2, "gone", "caf\udce9"), "FileNotFoundError", "gone"),
    (KeyError("\ud800"), "KeyError", "ud800"),
    (Speechless(), "Speechless", "__str__ raised KeyboardInterrupt"),
    (NoText(), "NoText", "__str__ raised TypeError"),
    (Odd("odd"), "Odd", "odd"),
    (type("x" * 5_000, (Exception,), {})("long"), "x" * 200, "long"),
    (type("", (Exception,), {})("none"), "Exception", "none"),
    (type("Two Words:", (BaseException,), {})("said"), "Two Words:", "said"),
    (BaseExceptionGroup("two", [SystemExit(1), ValueError("in")]), "BaseExceptionGroup", "SystemE"),
    (ExceptionGroup("one", [ExceptionGroup("two", [KeyError("k")])]), "ExceptionGroup", "'k'"),
    (NESTED, "ExceptionGroup", "level"),
    (MemoryError(), "MemoryError", "MemoryError"),
]


@pytest.mark.parametrize(("error", "kind", "text"), ERRORS)
def test_the_sdk_reports_a_failure_by_type_and_text(
    error: BaseException, kind: str, text: str
) -> None:
    stands = failure(raised(error))
    details = helpers.new_failure_details(stands)
    assert details.SerializeToString()
    assert details.errorType.startswith(kind)
    assert text in details.errorMessage
    assert isinstance(stands, Exception)
    assert failure(stands) is stands
    assert (type_of(stands), text_of(stands)) == (details.errorType, details.errorMessage)


def test_what_the_sdk_can_report_stays_itself() -> None:
    error = ValueError("no luck")
    assert failure(raised(error)) is error


def test_a_stand_in_is_still_caught_by_its_builtin_type() -> None:
    assert isinstance(failure(ValueError("caf\udce9")), ValueError)
    assert isinstance(failure(KeyError("caf\udce9")), KeyError)


def test_a_long_text_is_cut_once_and_marked() -> None:
    text = text_of(ValueError("x" * 3_000_000))
    assert text == "x" * TEXT_KEPT + "… (cut to 8,000 of 3,000,000 characters)"
    assert text_of(ValueError(f"activity a failed: ValueError: {text}")).count("cut to") == 1


def test_a_bare_assert_says_where_it_was() -> None:
    def asserts() -> None:
        assert sys is None

    with pytest.raises(AssertionError) as caught:
        asserts()
    caught.value.args = ()  # pytest explains asserts in its own files
    assert text_of(caught.value).startswith("AssertionError (test_failures.py:")
    assert text_of(caught.value).endswith("assert sys is None)")


def test_a_traceback_that_cannot_be_encoded_is_left_out() -> None:
    code = compile("def f():\n    raise ValueError('no luck')\n", "caf\udce9.py", "exec")
    names: dict[str, Any] = {}
    exec(code, names)
    with pytest.raises(ValueError, match="no luck") as caught:
        names["f"]()
    assert helpers.new_failure_details(failure(caught.value)).SerializeToString()


def test_a_deep_traceback_is_bounded() -> None:
    def first(depth: int) -> None:
        second(depth)

    def second(depth: int) -> None:
        first(depth + 1)

    with pytest.raises(RecursionError) as caught:
        first(0)
    details = helpers.new_failure_details(failure(caught.value))
    assert len(details.stackTrace.value) < 60_001


@pytest.mark.parametrize("error", [SystemExit(1), GeneratorExit(), KeyboardInterrupt()])
def test_guarded_code_raises_exceptions_only(error: BaseException) -> None:
    def raises() -> None:
        raise error

    with pytest.raises(Exception) as caught:  # noqa: PT011  # any Exception will do
        guarded(raises)
    assert type(caught.value).__name__ == type(error).__name__


@pytest.mark.parametrize("error", [StopIteration(3), ValueError("no luck")])
def test_guarded_code_keeps_its_exceptions(error: Exception) -> None:
    def raises() -> None:
        raise error

    call: Callable[..., Any] = guarded
    with pytest.raises(type(error)) as caught:
        call(raises)
    assert caught.value is error
