"""Waiting for a state, bounded."""

from collections.abc import Callable

from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_fixed


def wait_until(condition: Callable[[], bool], seconds: float, *, every: float = 0.1) -> bool:
    """Ask `condition` every `every` seconds; False if it was never true within `seconds`."""
    asking = Retrying(
        stop=stop_after_delay(seconds),
        wait=wait_fixed(every),
        retry=retry_if_result(lambda holds: not holds),
    )
    try:
        return asking(condition)
    except RetryError:
        return False
