"""The same small piece of work over and over: how dear the processor's time is meanwhile.

CPU time is told in seconds, and on a machine that is shared a second buys less. Beside each burst
stands what this work took during it, so that two visits can be told apart from two moods of the
machine. It uses some two hundredths of a core, in the driver, for all contenders alike.
"""

import json
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from statistics import fmean
from threading import Event, Thread

_ROUNDS = 50
_PAUSE = 0.1


def yardstick() -> float:
    """Return the CPU milliseconds that the work takes now."""
    document = {
        f"key-{number}": [number, str(number), {"half": number / 2}] for number in range(20)
    }
    begun = time.thread_time()
    for _ in range(_ROUNDS):
        text = json.dumps(document)
        document = json.loads(text)
        sha256(text.encode()).hexdigest()
    return (time.thread_time() - begun) * 1000


class Yardstick:
    """What the work took, each time it was done."""

    def __init__(self) -> None:
        self._taken: list[tuple[float, float]] = []
        self.take()

    def take(self) -> None:
        self._taken.append((time.time(), yardstick()))

    @property
    def mean(self) -> float:
        return self.mean_between(0, math.inf)

    def mean_between(self, begin: float, end: float) -> float:
        """Return the mean in that time, in seconds since 1970; of all where none was taken then."""
        taken = [took for at, took in self._taken if begin <= at <= end]
        return fmean(taken or [took for _, took in self._taken])


@contextmanager
def measuring() -> Iterator[Yardstick]:
    """Do the work ten times a second, in a thread of its own."""
    found, over = Yardstick(), Event()

    def measure() -> None:
        while not over.wait(_PAUSE):
            found.take()

    thread = Thread(target=measure, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()
