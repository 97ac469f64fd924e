"""The load: so many at once, one at a time, or at a steady rate; all of it bounded."""

import itertools
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from bench.hearing import Hearing

SENDERS = 16
PATIENCE_SECONDS = 30.0


@dataclass(frozen=True)
class Outcome:
    """What became of the requests of one load."""

    seconds: float
    """From the first request to the last notice."""
    latencies: Sequence[float]
    """Seconds from a request to its notice, for each that had one."""
    lost: int
    doubled: int
    """How many had more than one notice."""

    @property
    def throughput(self) -> float:
        return len(self.latencies) / self.seconds if self.seconds > 0 else 0.0


class Load:
    """Sends requests by `send`, and hears what comes of them."""

    def __init__(
        self,
        send: Callable[[str], None],
        hearing: Hearing,
        patience: float = PATIENCE_SECONDS,
        name: str = "o",
    ) -> None:
        """`patience` is how long no notice at all may come before what is missing is lost; `name`
        begins the orders, and is another for each load that shares a hearing.
        """
        self._name = name
        self._send = send
        self._hearing = hearing
        self._patience = patience
        self._numbers = itertools.count(1)

    def burst(self, count: int) -> Outcome:
        """Send so many as fast as they are taken, and wait for all notices."""
        return self._together(self._orders(count), pause=0)

    def steady(self, rate: float, seconds: float) -> Outcome:
        """Send at so many a second, whether earlier ones are done or not."""
        return self._together(self._orders(int(rate * seconds)), pause=1 / rate)

    def one_at_a_time(self, count: int) -> Outcome:
        """Send each once the notice of the one before is there."""
        sent: dict[str, float] = {}
        for order in self._orders(count):
            sent[order] = time.time()
            self._send(order)
            if not self._hearing.wait_for([order], self._patience):
                break
        return self._outcome(sent)

    def _together(self, orders: Sequence[str], pause: float) -> Outcome:
        sent: dict[str, float] = {}
        begun = time.monotonic()

        def send(order: str) -> None:
            sent[order] = time.time()
            self._send(order)

        with ThreadPoolExecutor(SENDERS) as senders:
            sending: list[Future[None]] = []
            for number, order in enumerate(orders):
                if (early := begun + number * pause - time.monotonic()) > 0:
                    time.sleep(early)
                sending.append(senders.submit(send, order))
            for one in sending:
                one.result()
        self._hearing.wait_for(orders, self._patience)
        return self._outcome(sent)

    def _outcome(self, sent: dict[str, float]) -> Outcome:
        heard = {order: self._hearing.times(order) for order in sent}
        ends = {order: min(times) for order, times in heard.items() if times}
        begun = min(sent.values(), default=0.0)
        return Outcome(
            seconds=max(ends.values(), default=begun) - begun,
            latencies=[end - sent[order] for order, end in ends.items()],
            lost=len(sent) - len(ends),
            doubled=sum(len(times) > 1 for times in heard.values()),
        )

    def _orders(self, count: int) -> list[str]:
        return [f"{self._name}-{number}" for number in itertools.islice(self._numbers, count)]
