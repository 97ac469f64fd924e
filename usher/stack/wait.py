"""Waits for a condition, with a bound."""

from collections.abc import Callable

from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_fixed


def wait_until(condition: Callable[[], bool], seconds: float, *, every: float = 0.1) -> bool:
    """Check `condition` every `every` seconds. Return False if it was not true in `seconds`."""
    checking = Retrying(
        stop=stop_after_delay(seconds),
        wait=wait_fixed(every),
        retry=retry_if_result(lambda holds: not holds),
    )
    try:
        return checking(condition)
    except RetryError:
        return False
