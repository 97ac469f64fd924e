"""The same work against more and more of something."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bench.figures import Measures
from bench.growth.filling import fill_ledger, start_waiting
from bench.growth.forgetful import SECONDS_TO_FORGET, forgetful
from bench.growth.stack import Stacks


@dataclass(frozen=True)
class Sizes:
    """How much of each; every number bounds the time it takes."""

    burst: int = 500
    ledger: int = 100_000
    waiting: int = 10_000
    history: tuple[int, ...] = (10, 100, 300)
    activities: int = 3000
    """In all workflows of one length together."""
    backlog: int = 10_000
    replicas: int = 3
    events: int = 50_000
    """Over all of which memory is to stay flat."""


SMALL = Sizes(60, 1000, 100, (10, 30), 300, 300, 2, 600)


@dataclass(frozen=True)
class Row:
    """What was measured against how much of what."""

    against: str
    amount: int
    measures: Measures


Case = Callable[[Stacks, Sizes], Iterator[Row]]


def ledger(stacks: Stacks, sizes: Sizes) -> Iterator[Row]:
    """Against an empty ledger, then a full one."""
    with stacks.running() as one:
        yield Row("entries in the ledger", 0, one.burst(sizes.burst, "before"))
        fill_ledger(one.settings, sizes.ledger)
        yield Row("entries in the ledger", sizes.ledger, one.burst(sizes.burst, "after"))


def waiting(stacks: Stacks, sizes: Sizes) -> Iterator[Row]:
    """With nobody waiting, then with so many that wait for an event."""
    with stacks.running() as one:
        yield Row("instances waiting", 0, one.burst(sizes.burst, "before"))
        start_waiting(one.settings, sizes.waiting)
        yield Row("instances waiting", sizes.waiting, one.burst(sizes.burst, "after"))


def history(stacks: Stacks, sizes: Sizes) -> Iterator[Row]:
    """As many activities, in workflows of different length."""
    with stacks.running() as one:
        for steps in sizes.history:
            count = max(sizes.activities // steps, 5)
            found = one.burst(count, f"steps{steps}", "bench_long_workflow", steps=steps)
            each = {
                f"{what} of each activity": found[measure] / steps
                for what, measure in (
                    ("cpu, yardsticks", "cpu, yardsticks/workflow"),
                    ("redis calls", "calls redis, /workflow"),
                )
                if measure in found
            }
            yield Row("activities in a workflow", steps, found | each)


def backlog(stacks: Stacks, sizes: Sizes) -> Iterator[Row]:
    """A burst, then one that is a backlog."""
    with stacks.running() as one:
        for size in (sizes.burst, sizes.backlog):
            yield Row("at once", size, one.burst(size, f"burst{size}"))


def replicas(stacks: Stacks, sizes: Sizes) -> Iterator[Row]:
    """One orchestrator, two, three, on the same machine."""
    for amount in range(1, sizes.replicas + 1):
        with stacks.running(amount) as one:
            found = one.burst(sizes.burst, "burst")
        # Only the first one's sidecar is asked, which tells a part of the calls.
        told = {what: n for what, n in found.items() if not what.startswith("calls sidecar")}
        yield Row("replicas", amount, told)


def memory(stacks: Stacks, sizes: Sizes) -> Iterator[Row]:
    """With more and more events behind it, where what is kept is kept for seconds."""
    with stacks.running(contender=forgetful(stacks.folder)) as one:
        yield Row("events so far", 0, one.memory())
        for fifth in range(1, 6):
            one.work(sizes.events // 5, f"fifth{fifth}")
            yield Row("events so far", fifth * (sizes.events // 5), one.memory())
        one.rest(SECONDS_TO_FORGET)
        yield Row("events, after a rest", sizes.events, one.memory())


CASES: dict[str, Case] = {
    "ledger": ledger,
    "waiting": waiting,
    "history": history,
    "backlog": backlog,
    "replicas": replicas,
    "memory": memory,
}
