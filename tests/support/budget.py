"""What an event may cost, in counts that are the same on any machine.

The one place to change when a change of the code makes something cheaper or dearer: the tests that
hold the code to it are in `tests/unit/test_cost.py`.
"""

from typing import NamedTuple


class Cost(NamedTuple):
    """Of one event, from its delivery to its answer."""

    reads: int
    """Of the state store, one key or many."""
    writes: int
    engine: int
    """Calls to the engine."""
    functions: int
    """Calls of functions of `orchestrator` and `contracts`, rounded up to leave room to tidy."""


EVENTS = {
    "start": Cost(reads=1, writes=2, engine=1, functions=76),
    "start, the id chosen": Cost(reads=2, writes=3, engine=1, functions=79),
    "the same start again": Cost(reads=1, writes=2, engine=0, functions=68),
    "event for an instance": Cost(reads=3, writes=1, engine=3, functions=71),
    "event too early": Cost(reads=4, writes=2, engine=3, functions=74),
}
