"""`python -m tests.k8s --seed 7 --requests 700`: a storm on a cluster; exit 1 where it failed."""

import argparse
import shutil
import sys

from tests.chaos.plan import plan
from tests.chaos.session import WORKFLOWS, storm
from tests.k8s import blows
from tests.support.k8s.deployed import Deployed
from tests.support.k8s.fixtures import running_cluster
from usher.stack.settings import StackSettings
from usher.stack.stack import Stack
from usher.terminal.interrupts import interruptible

PORTS_BESIDE = 700
"""From the stack of `make up`, so that both can run."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="make chaos-k8s", description=__doc__)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--requests", type=int, default=700)
    parser.add_argument("--replicas", type=int, default=3)
    parser.add_argument("--beside", type=int, default=PORTS_BESIDE, help="added to every port")
    asked = parser.parse_args()
    planned = plan(asked.seed, asked.requests, replicas=asked.replicas, targets=blows.TARGETS)
    settings = StackSettings().shifted(asked.beside)
    folder = settings.data_dir.parent / "chaos-k8s"
    settings = settings.model_copy(update={"data_dir": folder / "stack"})
    with interruptible(), running_cluster(asked.beside, _tell) as cluster:

        def make_stack(settings: StackSettings) -> Stack:
            """Return a stack whose workflows are a copy, as a rollout changes them."""
            copied = settings.data_dir.parent / blows.WORKFLOWS
            shutil.copytree(WORKFLOWS, copied, dirs_exist_ok=True)
            changed = settings.model_copy(update={"workflows": (copied,)})
            stack = Deployed(cluster, f"storm-{asked.seed}", changed)
            stack.overlay.share(settings.data_dir)
            return stack

        verdict = storm(planned, settings, folder, _tell, 20, make_stack, blows.strike)
    _tell(verdict.in_short())
    sys.exit(not verdict.passed)


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    main()
