"""Starts and stops the embedded stack, or one of its processes, and reports its state."""

import shutil
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path

from filelock import FileLock, Timeout

from usher.stack import kafka
from usher.stack.cause import why
from usher.stack.component_sets import with_component_sets
from usher.stack.components import refuse_unfit_components
from usher.stack.conf import LOGS
from usher.stack.errors import StackError
from usher.stack.external_redis import refuse_unusable_redis
from usher.stack.ports import refuse_ports_in_use
from usher.stack.postgres import find_postgres
from usher.stack.processes import processes
from usher.stack.program import Report
from usher.stack.readiness import is_ready
from usher.stack.redis import find_or_install
from usher.stack.runtime import find_or_build
from usher.stack.secrets import FILE, Secrets, read_secrets
from usher.stack.servers import data_dirs
from usher.stack.settings import StackSettings
from usher.stack.shutdown import kill_all, shut_down
from usher.stack.space import refuse_too_little_space
from usher.stack.spec import Binaries, ProcessSpec
from usher.stack.supervision import Supervisor
from usher.stack.wait import wait_until

SUPERVISORD = "supervisord"

_TIER_SECONDS = 60.0
_MOST_STARTS = 2  # a process that needs more starts than this will not get ready


class Stack:
    """One embedded stack: the one whose data are in `settings.data_dir`."""

    def __init__(self, settings: StackSettings, specs: Sequence[ProcessSpec] | None = None) -> None:
        """`specs` replace the processes that follow from `settings`. Tests use them."""
        self.settings = settings
        self._given = specs
        elsewhere = settings.redis
        self._supervisor = Supervisor(settings.data_dir, elsewhere.password if elsewhere else None)
        self._log_sizes: dict[str, int] = {}
        """By process, the size of its log before it was started."""

    def up(self, report: Report, *, fresh: bool = False) -> bool:
        """Start the processes that do not run, in order, and wait until all are healthy.

        Return False if all were healthy before. `fresh` empties the data first. Raises `StackError`
        and stops what it has started, if a port is in use or a process does not get healthy.
        Raises `SetupError` if there is no Dapr or no Redis.
        """
        refuse_unusable_redis(self.settings, fresh)
        specs = self._specs(report)
        with self._locked(report, _TIER_SECONDS * 5):
            ran_before = self.is_up()
            if not ran_before:
                self._prepare(specs, fresh, report)
            elif fresh:
                raise StackError("--fresh empties the data, but the stack is up: stop it first")
            elif not self._supervisor.runs_with(specs):
                raise StackError("the stack is up with other settings: stop it first")
            elif self.settings.own_redis and not self.secrets.redis_password:
                file = self.settings.data_dir / FILE
                raise StackError(f"{file} is missing: stop the stack, and the next start makes it")
            try:
                if not ran_before:
                    self._supervisor.launch(specs)
                started = self._bring_up(specs, report)
            except BaseException:
                if not ran_before:
                    self._abandon(report)
                raise
        if not started:
            report("the stack is up and healthy already")
        return started

    def down(self, report: Report) -> None:
        """Stop everything in order, also what a killed supervisord left behind. Safe to repeat.

        Bounded: a process that does not end in time is killed.
        """
        with self._locked(report, 5, required=False):
            if not self._shut_down(report):
                report("nothing is running")

    def kill(self) -> None:
        """Kill everything at once. Redis loses up to a second of writes."""
        kill_all(self.settings.data_dir)
        self._supervisor.tidy()

    def is_up(self) -> bool:
        """Return whether supervisord runs. `wait_healthy` checks the processes."""
        return self._supervisor.process() is not None

    def names(self) -> list[str]:
        """Return the names of the processes in the order of their start."""
        return [spec.name for spec in self.outline()]

    def pids(self) -> dict[str, int]:
        """Return the pids of running processes by name; {} if the stack is down."""
        if not self.is_up():
            return {}
        return {name: state.pid for name, state in self._supervisor.states().items() if state.pid}

    def stop(self, name: str) -> None:
        """Stop one process, and leave it stopped until `start` or the next `up`."""
        seconds = next(spec.stop_seconds for spec in self.outline() if spec.name == name)
        self._supervisor.stop(name, seconds + 5)

    def start(self, name: str) -> None:
        """Start one process that was stopped. Return before it is healthy."""
        self._supervisor.start(name)

    def wait_healthy(self, timeout: float = 60) -> None:
        """Wait until every process is ready, or raise `StackError` that names one that is not."""
        self._wait_ready(self.outline(), timeout)

    @property
    def secrets(self) -> Secrets:
        """The stack's tokens and Redis's password; empty before its first start."""
        return read_secrets(self.settings.data_dir)

    def log_path(self, name: str) -> Path:
        """Return the log of a process or of `supervisord`. It is rotated, so it may be replaced."""
        return self.settings.data_dir / LOGS / f"{name}.log"

    def outline(self) -> Sequence[ProcessSpec]:
        """Return the processes without the paths of their binaries."""
        if self._given is not None:
            return self._given
        return processes(self.settings, Binaries(Path(), Path(), Path(), Path()))

    def _specs(self, report: Report) -> Sequence[ProcessSpec]:
        if self._given is not None:
            return self._given
        own_redis = self.settings.own_redis
        redis_server = find_or_install(report, self.settings.redis_server) if own_redis else Path()
        postgres = find_postgres() if self.settings.state == "postgres" else Path()
        jars = kafka.find_or_fetch(report) if self.settings.broker == "kafka" else Path()
        dapr = find_or_build(report, self.settings.dapr_dir)
        settings = with_component_sets(self.settings)
        refuse_unfit_components(settings.components_dir)
        found = Binaries(redis_server, dapr.daprd, dapr.placement, dapr.scheduler, postgres, jars)
        return processes(settings, found)

    def _prepare(self, specs: Sequence[ProcessSpec], fresh: bool, report: Report) -> None:
        # Processes that a killed supervisord left behind hold ports and data.
        self._shut_down(report)
        refuse_ports_in_use(self.settings, specs)
        if fresh:
            for folder in (*data_dirs(self.settings).values(), self.settings.data_dir / LOGS):
                shutil.rmtree(folder, ignore_errors=True)
        for folder in data_dirs(self.settings).values():
            folder.mkdir(parents=True, exist_ok=True)
        if self.settings.broker == "kafka":
            kafka.write_properties(self.settings, data_dirs(self.settings)["kafka"])
        refuse_too_little_space(self.settings.data_dir)

    def _bring_up(self, specs: Sequence[ProcessSpec], report: Report) -> bool:
        started = False
        for _, tier in groupby(specs, key=lambda spec: spec.tier):
            members = list(tier)
            for spec in members:
                log = self.log_path(spec.name)
                self._log_sizes[spec.name] = log.stat().st_size if log.exists() else 0
                started |= self._supervisor.start(spec.name)
            self._wait_ready(members, _TIER_SECONDS, report if started else None, _MOST_STARTS)
        return started

    def _wait_ready(
        self,
        specs: Sequence[ProcessSpec],
        seconds: float,
        report: Report | None = None,
        most_starts: int | None = None,
    ) -> None:
        pending = {spec.name: spec for spec in specs}
        password = self.secrets.redis_password
        starts: defaultdict[str, set[int]] = defaultdict(set)

        def none_pending() -> bool:
            states = self._supervisor.states()
            for name, spec in list(pending.items()):
                starts[name].add(states[name].started)
                if most_starts is not None and len(starts[name]) > most_starts:
                    raise self._not_ready(name, "does not start: it dies again and again")
                if states[name].pid and is_ready(spec, password):
                    del pending[name]
                    if report:
                        report(f"{name} is ready")
            return not pending

        if not wait_until(none_pending, seconds):
            spec = next(iter(pending.values()))
            probe = f" ({spec.ready})" if spec.ready else ""
            raise self._not_ready(spec.name, f"is not ready within {seconds:.0f} s{probe}")

    def _not_ready(self, name: str, how: str) -> StackError:
        log = self.log_path(name)
        cause = why(log, self._log_sizes.get(name, 0)) or "it has printed nothing"
        return StackError(f"{name} {how}. Its log is {log}. The cause:\n{cause}")

    def _abandon(self, report: Report) -> None:
        report("stopping what was started")
        try:
            self._shut_down(lambda _: None)
        except BaseException:  # e.g. a second Ctrl-C: nothing may be left running
            self.kill()
            raise

    def _shut_down(self, report: Report) -> bool:
        nudge = self._supervisor.nudge
        anything = shut_down(self.settings.data_dir, self.outline(), report, nudge=nudge)
        self._supervisor.tidy()
        return anything

    @contextmanager
    def _locked(self, report: Report, seconds: float, *, required: bool = True) -> Iterator[None]:
        """Wait up to `seconds` for the lock of this stack. Without it, fail if it is `required`."""
        self.settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = FileLock(self.settings.data_dir / "lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            report("waiting: another command is starting or stopping this stack")
            try:
                lock.acquire(timeout=seconds)
            except Timeout as timeout:
                if required:
                    raise StackError("another command is busy with this stack") from timeout
        try:
            yield
        finally:
            lock.release()
