"""The cluster for tests: brought up once for a run, with Usher in a namespace of its own."""

import os
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.support.driver import Driver
from tests.support.k8s.bring_up import bring_up
from tests.support.k8s.cluster import ROOT, Cluster, missing
from tests.support.k8s.deployed import Deployed
from tests.support.k8s.images import make_images
from tests.support.k8s.layout import Layout
from tests.support.k8s.programs import build_programs
from usher.stack.program import Report
from usher.stack.settings import StackSettings

RUNNING = os.environ.get("USHER_TEST_CLUSTER", "")
"""The state folder of a cluster that is up, which tests then use and leave as it is."""


def prepare_cluster(report: Report) -> None:
    """Build the programs and the images, where this machine can run a cluster."""
    if not (missing() or RUNNING):
        make_images(build_programs(report), report)


@contextmanager
def running_cluster(ports_beside: int, report: Report) -> Iterator[Cluster]:
    """Give a cluster with Dapr's control plane; skip where this machine cannot run one."""
    if why := missing():
        pytest.skip(why)
    state = Path(RUNNING) if RUNNING else ROOT / "build" / f"test-k8s-{ports_beside}"
    cluster = Cluster(Layout(state.absolute()), build_programs(report))
    if RUNNING:
        assert cluster.is_up(), f"USHER_TEST_CLUSTER: no cluster runs in {state}"
        yield cluster
        return
    bring_up(cluster, report)
    try:
        yield cluster
    finally:
        cluster.stop()


@contextmanager
def deployed(
    cluster: Cluster,
    settings: StackSettings,
    shared: Sequence[Path],
    report: Report,
    **variables: str,
) -> Iterator[Driver]:
    """Deploy Usher into a new namespace, and remove it again.

    The orchestrator gets the variables, and may write into the folders.
    """
    stack = Deployed(cluster, f"usher-{uuid.uuid4().hex[:6]}", settings)
    stack.overlay.variables |= variables
    for folder in shared:
        stack.overlay.share(folder)
    try:
        stack.up(report)
        with httpx.Client(timeout=30, trust_env=False) as http:
            yield Driver(stack, settings, http)
    finally:
        stack.down(report)
