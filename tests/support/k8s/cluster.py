"""A real Kubernetes of one node, in namespaces of its own on this machine."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from tests.support import engine
from tests.support.driver import eventually
from tests.support.k8s.certificates import make_certificates
from tests.support.k8s.config import write_config
from tests.support.k8s.layout import CONTAINERD, NODE, Layout
from tests.support.k8s.node import CGROUPS, NAMESPACES, hierarchies
from tests.support.k8s.programs import Programs
from usher.stack.program import Report

ROOT = Path(__file__).parents[3]
COMMANDS = (
    *("containerd", "runc", "etcd", "conntrack", "ipset", "iptables", "nft", "ip"),
    *("nsenter", "openssl", "unshare"),
)
CTR = ("ctr", "--address", CONTAINERD, "--namespace", "k8s.io")


def missing() -> str | None:
    """Say in one line why no cluster can run here, or return None."""
    if os.geteuid() != 0:
        return "a cluster needs root, for namespaces and mounts"
    search = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    absent = [name for name in COMMANDS if shutil.which(name, path=search) is None]
    if absent:
        return f"a cluster needs these programs on PATH: {', '.join(absent)}"
    if not Path("/usr/lib/cni/ptp").exists():
        return "a cluster needs /usr/lib/cni/ptp: Debian's containernetworking-plugins"
    if not (CGROUPS / "memory" / "cgroup.procs").exists():
        return "a cluster needs cgroups of version 1: this machine has only version 2"
    tried = subprocess.run(["unshare", *NAMESPACES, "true"], capture_output=True, text=True)
    if tried.returncode:
        return f"a cluster needs new namespaces: {tried.stderr.strip()}"
    if why := engine.missing():
        return f"the images of a cluster are built with Docker: {why}"
    return None


@dataclass(frozen=True)
class Cluster:
    """The cluster of one state folder. `start` makes it anew, `stop` leaves nothing behind."""

    layout: Layout
    programs: Programs

    def start(self, report: Report) -> None:
        """Start it on fresh data. One that runs, or that a killed test left, is stopped first."""
        self.stop()
        state = self.layout.state
        for folder in (state, self.layout.logs, self.layout.stopped):
            folder.mkdir(parents=True, exist_ok=True)
        state.chmod(0o755)
        (state / "etcd").mkdir(mode=0o700)
        make_certificates(self.layout)
        write_config(self.layout)
        report(f"starting Kubernetes in {state}")
        module = "tests.support.k8s.node"
        command = [sys.executable, "-m", module, "outside", str(state), self.programs.path()]
        with (self.layout.logs / "node.log").open("wb") as log:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for who started it
            )
        owner = {"pid": process.pid, "created": psutil.Process(process.pid).create_time()}
        self.layout.owner.write_text(json.dumps(owner))
        process.returncode = 0  # it may outlive this process
        eventually(self._api_answers, bool, 240)
        eventually(lambda: self.run(*CTR, "version").returncode, (0).__eq__, 60)
        self.kubectl("apply", "--filename", str(self.layout.config / "storage.yaml"))

    def wait_ready(self) -> None:
        """Wait until the node takes pods."""
        # The API may not have heard of the node yet.
        eventually(lambda: self.run("kubectl", "get", "node", NODE).returncode, (0).__eq__, 120)
        ready = ("wait", "--for=condition=Ready", f"node/{NODE}", "--timeout=120s")
        self.kubectl(*ready, seconds=150)

    def stop(self, *, keep_logs: bool = False) -> None:
        """Kill everything at once, and remove its files and cgroups. Safe to repeat."""
        if (owner := self._owner()) is not None:
            owner.kill()
            eventually(owner.is_running, lambda running: not running or _is_zombie(owner), 20)
        eventually(self._cgroups_removed, bool, 30)
        state = self.layout.state
        if keep_logs:
            kept = state.with_name(f"{state.name}-logs")
            shutil.rmtree(kept, ignore_errors=True)
            self.layout.logs.rename(kept)
        if state.exists():
            shutil.rmtree(state)

    def is_up(self) -> bool:
        return self._owner() is not None

    def init(self) -> psutil.Process:
        """Return process 1 of the cluster."""
        owner = self._owner()
        children = owner.children() if owner else []
        if not children:
            raise AssertionError(f"no cluster runs in {self.layout.state}: see {self.layout.logs}")
        return children[0]

    def inside(self, words: Sequence[str | Path]) -> list[str]:
        """Return the command that runs `words` within the cluster."""
        enter = ["nsenter", "--target", str(self.init().pid), "--net", "--mount", "--uts", "--pid"]
        return [*enter, f"--wd={Path.cwd()}", "--", *map(str, words)]

    def environment(self) -> dict[str, str]:
        search = f"{self.programs.path()}:{os.environ.get('PATH', '')}"
        return {**os.environ, "PATH": search, "KUBECONFIG": str(self.layout.kubeconfig())}

    def run(
        self, *words: str | Path, seconds: float = 60, given: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in the cluster's network, `given` on its standard input."""
        return subprocess.run(
            self.inside(words),
            env=self.environment(),
            input=given or "",
            capture_output=True,
            text=True,
            timeout=seconds,
        )

    def check(self, *words: str | Path, seconds: float = 60, given: str | None = None) -> str:
        """Run a command, and return what it printed. One that fails shows what it said."""
        done = self.run(*words, seconds=seconds, given=given)
        assert done.returncode == 0, f"{words}: {done.stdout}\n{done.stderr}"
        return done.stdout

    def kubectl(self, *words: str, seconds: float = 60, given: str | None = None) -> str:
        return self.check("kubectl", *words, seconds=seconds, given=given)

    def get(self, *words: str) -> Any:
        """Return what `kubectl get` knows, parsed."""
        return json.loads(self.kubectl("get", *words, "--output=json"))

    def _api_answers(self) -> bool:
        if self._owner() is None:
            log = (self.layout.logs / "node.log").read_text()
            raise AssertionError(f"the cluster ended as it started: {log}")
        with suppress(AssertionError):
            return self.run("kubectl", "get", "--raw", "/readyz").returncode == 0
        return False

    def _owner(self) -> psutil.Process | None:
        """Return the process whose end is the end of all others, if it still runs."""
        if not self.layout.owner.exists():
            return None
        recorded = json.loads(self.layout.owner.read_text())
        try:
            process = psutil.Process(recorded["pid"])
        except psutil.NoSuchProcess:
            return None
        same = process.create_time() == recorded["created"]
        return process if same and not _is_zombie(process) else None

    def _cgroups_removed(self) -> bool:
        """Remove the cluster's cgroups; processes may still be leaving them."""
        ours = [h / self.layout.cgroup for h in hierarchies() if (h / self.layout.cgroup).exists()]
        for folder in ours:
            for leaf, _, _ in os.walk(folder, topdown=False):
                for pid in (Path(leaf) / "cgroup.procs").read_text().split():
                    with suppress(ProcessLookupError):
                        os.kill(int(pid), signal.SIGKILL)
                with suppress(OSError):
                    Path(leaf).rmdir()
        return not any(folder.exists() for folder in ours)


def _is_zombie(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
