"""What an event may cost, in counts that are the same on any machine.

The one place to change when a change of the code makes something cheaper or dearer: the tests that
hold the code to it are in `tests/unit/protocol/test_cost.py`.
"""

from typing import NamedTuple


class Cost(NamedTuple):
    """Of one event, from its delivery to its answer."""

    reads: int
    """Of the state store, one key or many."""
    writes: int
    engine: int
    """Calls to the engine."""


WORKFLOW = {
    "sidecar StartInstance": 1,
    "sidecar CompleteActivityTask": 2,
    "sidecar CompleteOrchestratorTask": 3,
    "sidecar PublishEvent": 1,
    "sidecar GetBulkState": 1,
    "sidecar SaveState": 3,
    "scheduler jobs": 6,
    "redis eval": 28,
    "redis del": 3,
    "redis expire": 3,
    "redis get": 1,
    "redis hincrby": 24,
    "redis xadd": 3,
    "redis xack": 2,
    "redis zadd": 1,
    "redis zrange": 1,
    "redis exec": 7,
    "redis multi": 7,
    "redis hget": 52,
    "redis hset": 28,
    "redis hgetall": 9,
}
"""Calls for one `bench_workflow` on the real runtime, from the request to the notice: each write of
the state store is one `eval`, whose `hset` counts as well; each transaction of the engine or of the
notifier one `multi`. Reads are `hgetall`. The plain wiring has 9 calls to the sidecar, 7 jobs."""

FIRST_MINUTE = {"sidecar GetBulkState": 2, "redis hgetall": 2}
"""What is added in the first minute of an orchestrator: before each activity it looks whether the
run has ended, since the engine asks again for one that hung when its run was ended."""

NOISE = {"redis info", "redis hello", "redis ping", "redis xreadgroup", "redis xpending"}
"""What the clock decides, or the bench itself: how often a client connects, asks and looks."""

EVENTS = {
    "start": Cost(reads=1, writes=2, engine=1),
    "start, the id chosen": Cost(reads=2, writes=3, engine=1),
    "the same start again": Cost(reads=1, writes=2, engine=0),
    "event for an instance": Cost(reads=1, writes=1, engine=3),
    "event too early": Cost(reads=2, writes=2, engine=3),
    "start by a route": Cost(reads=1, writes=2, engine=1),
    "start by a route, with a key": Cost(reads=2, writes=3, engine=1),
    "event by a route for an instance": Cost(reads=1, writes=1, engine=3),
    "event by a route, too early": Cost(reads=2, writes=2, engine=3),
    "event that no route is for": Cost(reads=0, writes=0, engine=0),
}
