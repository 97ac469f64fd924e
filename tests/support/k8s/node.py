"""The node: process 1 of namespaces of its own, so that all of the cluster ends with it.

`python -m tests.support.k8s.node outside STATE PATH` joins the cluster's cgroups and becomes
`unshare`, which starts `… node inside STATE PATH` as process 1. A kill of either ends everything.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tests.support.k8s.components import (
    Command,
    environment,
    first_components,
    log_of,
    other_components,
)
from tests.support.k8s.layout import GATEWAY, NODE, NODE_ADDRESS, Layout

CGROUPS = Path("/sys/fs/cgroup")
NAMESPACES = ("--net", "--mount", "--uts", "--pid", "--ipc", "--cgroup")
# What clusters on one machine would share, and what a stopped one would leave behind.
OWN_FOLDERS = ("/run", "/var/log", "/var/lib/cni", "/usr/libexec")
# The kubelet sets them for the whole machine. It sets files in their place.
SYSCTLS = (
    *("vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops"),
    *("kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes"),
)
TICK_SECONDS = 0.5
RESTART_SECONDS = 1.0


def main() -> None:
    role, state, path = sys.argv[1:]
    layout = Layout(Path(state))
    if role == "outside":
        join_cgroups(layout.cgroup)
        again = [sys.executable, "-m", __spec__.name, "inside", state, path]
        command = ["unshare", *NAMESPACES, "--fork", "--kill-child", "--mount-proc", *again]
        os.execvp("unshare", command)
    _set_up_mounts(layout)
    _set_up_network()
    Supervisor(layout, environment(path)).run()


def hierarchies() -> Iterator[Path]:
    """Yield the folder of each cgroup hierarchy of the machine."""
    return (folder for folder in sorted(CGROUPS.iterdir()) if (folder / "cgroup.procs").exists())


def join_cgroups(name: str) -> None:
    """Have this process in cgroups of this name. They become the root of what it starts."""
    for hierarchy in hierarchies():
        folder = hierarchy / name
        folder.mkdir(exist_ok=True)
        for setting in ("cpuset.cpus", "cpuset.mems"):  # a new one has none, and takes no process
            if (hierarchy / setting).exists():
                (folder / setting).write_text((hierarchy / setting).read_text())
        (folder / "cgroup.procs").write_text(str(os.getpid()))


def _set_up_mounts(layout: Layout) -> None:
    _run("mount", "--make-rprivate", "/")
    for hierarchy in list(hierarchies()):
        name = hierarchy.name
        _run("umount", str(hierarchy))
        if name == "unified":
            _run("mount", "-t", "cgroup2", "cgroup", str(hierarchy))
        else:
            options = "none,name=systemd" if name == "systemd" else name
            _run("mount", "-t", "cgroup", "-o", options, "cgroup", str(hierarchy))
    for folder in filter(os.path.isdir, OWN_FOLDERS):
        _run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", folder)
    for name in SYSCTLS:
        real, own = Path("/proc/sys", name), layout.state / "sysctl" / name
        own.parent.mkdir(parents=True, exist_ok=True)
        own.write_text(real.read_text())
        _run("mount", "--bind", str(own), str(real))
    _run("mount", "--make-rshared", "/")  # volumes that the kubelet mounts reach containerd


def _set_up_network() -> None:
    _run("hostname", NODE)
    for words in (
        "link set lo up",
        "link add node0 type bridge",
        f"address add {NODE_ADDRESS}/24 dev node0",
        "link add node1 type veth peer name node2",
        "link set node1 master node0",
        "link set node0 up",
        "link set node1 up",
        "link set node2 up",
        f"route add default via {GATEWAY} dev node0",
    ):
        _run("ip", *words.split())
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")


class Supervisor:
    """Keeps the node's programs running, but for those that `layout.stopped` names."""

    def __init__(self, layout: Layout, env: dict[str, str]) -> None:
        self._layout, self._env = layout, env
        self._wanted = first_components(layout)
        self._running: dict[str, int] = {}
        self._started: dict[str, float] = {}
        self._api_answers = False

    def run(self) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
        while True:
            self._reap()
            if not self._api_answers and self._asks_api():
                self._api_answers = True
                self._wanted |= other_components(self._layout)
            for name, command in self._wanted.items():
                self._hold(name, command)
            signal.sigtimedwait({signal.SIGCHLD}, TICK_SECONDS)

    def _hold(self, name: str, command: Command) -> None:
        stopped = (self._layout.stopped / name).exists()
        rested = time.monotonic() - self._started.get(name, 0) > RESTART_SECONDS
        if name not in self._running and not stopped and rested:
            with log_of(self._layout, name).open("ab") as log:
                started = subprocess.Popen(
                    command,
                    env=self._env,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD}),
                )
            started.returncode = 0  # `_reap` waits for it, not the object
            self._running[name], self._started[name] = started.pid, time.monotonic()
        elif name in self._running and stopped:
            with suppress(ProcessLookupError):
                os.kill(self._running[name], signal.SIGKILL)

    def _reap(self) -> None:
        """Wait for whatever ended, also the orphans that process 1 inherits."""
        with suppress(ChildProcessError):
            while (pid := os.waitpid(-1, os.WNOHANG)[0]) != 0:
                self._running = {name: own for name, own in self._running.items() if own != pid}

    def _asks_api(self) -> bool:
        asked = ["kubectl", "--kubeconfig", str(self._layout.kubeconfig()), "get", "--raw"]
        return not subprocess.run(
            [*asked, "/readyz"], env=self._env, capture_output=True, timeout=30
        ).returncode


def _run(*words: str) -> None:
    subprocess.run(words, check=True, timeout=30)


if __name__ == "__main__":
    main()
