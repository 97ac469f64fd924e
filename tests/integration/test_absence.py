"""A service is away for more than a minute, and served as soon as it is back."""

import time

from tests.support.driver import Driver, eventually, fresh

AWAY_SECONDS = 78
"""The sidecar tries to reach its app some 70 and 113 s after it went, and not in between
(docs/upstream.md): far enough from both for the watchdog to come first."""
BACK_SECONDS = 45
"""32 at most, and room for a busy machine: 10 until the watchdog has seen enough; from there up to
17 until the worker has its fourth try at the sidecar, which takes 5 to end and some more to
start; 2 until a health probe, 3 until what was delivered before is claimed."""


def _served_after_an_absence(usher: Driver, name: str) -> None:
    sidecar = f"{name}-daprd"
    before = usher.stack.pids()[sidecar]
    instances = [fresh("hello") for _ in range(5)]
    with usher.away(name, healthy_within=BACK_SECONDS):
        gone = time.monotonic()
        for instance in instances:
            usher.request("hello_workflow", instance_id=instance, input="Ada")
        eventually(lambda: time.monotonic() - gone, lambda s: s > AWAY_SECONDS, 2 * AWAY_SECONDS)
    for instance in instances:
        assert usher.notice(instance, BACK_SECONDS)["outcome"] == "COMPLETED"
        assert len(usher.notices(instance)) == 1
    assert usher.stack.pids()[sidecar] != before


def test_p7_an_orchestrator_that_was_away_is_found_again_at_once(usher: Driver) -> None:
    _served_after_an_absence(usher, "orchestrator")


def test_p6_a_notifier_that_was_away_has_its_notices_at_once(usher: Driver) -> None:
    _served_after_an_absence(usher, "notifier")
