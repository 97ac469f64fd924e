"""P2 and P7 in a storm: what was accepted is served once while every process is killed.

The short form of `make chaos`, on a stack of its own. A seed that failed once stays here.
"""

from pathlib import Path

import pytest

from tests.chaos.plan import plan
from tests.chaos.session import storm
from tests.support.prepare import tell
from tests.support.stack import PORTS_BESIDE, ROOT
from usher.stack.settings import StackSettings

REQUESTS = 250
AWAY_SECONDS = 5
QUIET_SECONDS = 5
KILLED = ("orchestrator", "notifier", "placement", "notifier-daprd", "starter-daprd", "starter")
"""`make chaos` kills what the engine stands on too: its sidecar, scheduler, Redis. Now and then
daprd 1.18 strands a run then (docs/chaos.md); tests/integration kills each of them in calm."""


@pytest.fixture
def chaos_stack() -> StackSettings:
    """Where the storm's stack is: beside the one of this worker's other tests."""
    folder = ROOT / "build" / f"test-chaos-{PORTS_BESIDE}"
    return StackSettings(data_dir=folder / "stack").shifted(PORTS_BESIDE + 500)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", [7])
def test_p2_and_p7_hold_in_a_storm(chaos_stack: StackSettings, seed: int) -> None:
    planned = plan(seed, REQUESTS, away_seconds=AWAY_SECONDS, targets=KILLED)
    folder = Path(chaos_stack.data_dir).parent
    verdict = storm(planned, chaos_stack, folder, tell, QUIET_SECONDS)
    # Not `redone`: the engine does an activity again when it dies at the wrong moment.
    assert (verdict.lost, verdict.doubled, verdict.wrong) == ([], [], [])
