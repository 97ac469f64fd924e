"""`python -m tests.chaos --seed 7 --requests 2000`: one storm; exit 1 where something was lost."""

import argparse
import sys

from tests.chaos.plan import plan
from tests.chaos.session import storm
from usher.stack.settings import StackSettings
from usher.terminal.interrupts import interruptible

PORTS_BESIDE = 500
"""From the stack of `make up`, so that both can run."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--replicas", type=int, default=1, help="orchestrators, each on a sidecar")
    parser.add_argument(
        "--away", type=int, default=180, help="seconds that the orchestrator is away; 0: never"
    )
    parser.add_argument("--beside", type=int, default=PORTS_BESIDE, help="added to every port")
    asked = parser.parse_args()
    try:
        planned = plan(asked.seed, asked.requests, replicas=asked.replicas, away_seconds=asked.away)
    except ValueError as error:
        parser.error(str(error))
    settings = StackSettings().shifted(asked.beside)
    folder = settings.data_dir.parent / "chaos"
    settings = settings.model_copy(update={"data_dir": folder / "stack"})
    with interruptible():
        verdict = storm(planned, settings, folder, _tell)
    _tell(verdict.in_short())
    sys.exit(not verdict.passed)


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    main()
