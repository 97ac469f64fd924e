"""A cluster leaves nothing on the machine, also if what started it was killed."""

import os
import signal
from pathlib import Path

import psutil

from tests.support.driver import eventually
from tests.support.k8s.cluster import Cluster
from tests.support.k8s.layout import Layout
from tests.support.k8s.node import SYSCTLS, hierarchies
from tests.support.prepare import tell


def _sysctls() -> list[str]:
    return [Path("/proc/sys", name).read_text() for name in SYSCTLS]


def test_a_cluster_that_is_killed_is_cleared_away_by_the_next(
    cluster: Cluster, tmp_path: Path
) -> None:
    """Beside another one, of which it takes nothing."""
    before = _sysctls()
    other = Cluster(Layout(tmp_path / "state"), cluster.programs)
    other.start(tell)
    other.wait_ready()
    init, group = other.init(), other.layout.cgroup
    inner = init.children(recursive=True)
    assert {"etcd", "kubelet", "containerd"} <= {process.name() for process in inner}
    assert all((folder / group).exists() for folder in hierarchies())
    assert _sysctls() == before

    os.kill(init.ppid(), signal.SIGKILL)
    eventually(lambda: [one for one in inner if _lives(one)], lambda left: not left, 30)
    assert not other.is_up()
    other.stop()

    assert not other.layout.state.exists()
    assert not any((folder / group).exists() for folder in hierarchies())
    assert _sysctls() == before
    assert cluster.kubectl("get", "nodes")


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
