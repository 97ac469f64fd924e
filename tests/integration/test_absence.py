"""The orchestrator is away for more than a minute, and served as soon as it is back."""

import time

from tests.support.driver import Driver, eventually, fresh

AWAY_SECONDS = 75
"""By then the sidecar tries to reach its app some 40 s apart (docs/upstream.md)."""
BACK_SECONDS = 30
"""To start, 10 s for the watchdog, and a sidecar's restart, on a busy machine."""


def test_p7_an_orchestrator_that_was_away_is_found_again_at_once(usher: Driver) -> None:
    before = usher.stack.pids()["orchestrator-daprd"]
    instances = [fresh("hello") for _ in range(5)]
    usher.stack.stop("orchestrator")
    gone = time.monotonic()
    for instance in instances:
        usher.request("hello_workflow", instance_id=instance, input="Ada")
    eventually(lambda: time.monotonic() - gone, lambda away: away > AWAY_SECONDS, 2 * AWAY_SECONDS)
    usher.stack.start("orchestrator")
    for instance in instances:
        assert usher.notice(instance, BACK_SECONDS)["outcome"] == "COMPLETED"
        assert len(usher.notices(instance)) == 1
    assert usher.stack.pids()["orchestrator-daprd"] != before
