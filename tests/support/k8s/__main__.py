"""`python -m tests.support.k8s up`: a cluster with Dapr's control plane, to try manifests on.

    up               start it anew, with Dapr and the images of this checkout
    down             stop it, and leave nothing behind
    load IMAGE…      import images of the Docker engine; without any, build Usher's anew
    kubectl, helm …  run a command in the cluster's network: `kubectl apply -k deploy/k8s/base`
    pod NAME …       run a command of this machine in the network of a pod: `pod redis-0 ss -lt`

`--state FOLDER` comes first. Each folder is another cluster (default: build/k8s).
"""

import argparse
import os
import sys
from pathlib import Path

from tests.support.k8s import images
from tests.support.k8s.bring_up import bring_up
from tests.support.k8s.cluster import ROOT, Cluster, missing
from tests.support.k8s.layout import Layout
from tests.support.k8s.pods import in_network_of
from tests.support.k8s.programs import build_programs
from usher.stack.errors import SetupError
from usher.terminal.interrupts import interruptible


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.support.k8s",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--state", type=Path, default=ROOT / "build" / "k8s")
    parser.add_argument("words", nargs=argparse.REMAINDER, metavar="COMMAND …")
    asked = parser.parse_args()
    if not asked.words:
        parser.error("say what to do: up, down, load, or a command such as kubectl")
    if asked.words[0] == "up" and (why := missing()):
        sys.exit(why)
    try:
        with interruptible():
            _run(Layout(asked.state.absolute()), *asked.words)
    except (AssertionError, SetupError) as error:
        sys.exit(str(error))


def _run(layout: Layout, command: str, *words: str) -> None:
    cluster = Cluster(layout, build_programs(_tell))
    match command:
        case "up":
            bring_up(cluster, _tell)
            _tell(f"the cluster is up: python -m tests.support.k8s --state {layout.state} kubectl")
        case "down":
            cluster.stop()
        case "load":
            if not words:
                images.build_usher()
            images.load(cluster, list(words) or [images.USHER])
        case "pod":
            name, *rest = words
            sys.exit(in_network_of(cluster, name, rest))
        case _:
            inside = cluster.inside([command, *words])
            os.execvpe(inside[0], inside, cluster.environment())


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    main()
