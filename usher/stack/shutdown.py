"""Stops one stack, in order and in bounded time, whatever state it is in."""

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from usher.stack.ownership import alive, owned
from usher.stack.program import Report
from usher.stack.spec import ProcessSpec
from usher.stack.wait import wait_until


def shut_down(
    data_dir: Path,
    specs: Sequence[ProcessSpec],
    report: Report,
    *,
    nudge: Callable[[], None],
) -> bool:
    """Stop all processes of `data_dir`, the last of `specs` first. Return False if none ran.

    supervisord stops one process after the other. If supervisord was killed or hangs, this function
    ends the rest in the same order. A process that does not end in time is killed. `nudge` is
    called while this function waits for supervisord.
    """
    rank = {spec.name: place for place, spec in enumerate(specs)}
    running = sorted(owned(data_dir), key=lambda named: rank.get(named[0], -1), reverse=True)
    if supervisors := [process for name, process in running if not name]:
        for process in supervisors:
            _signal(process.terminate)
        bound = sum(spec.stop_seconds for spec in specs) + 10
        wait_until(_StopReport(running, report, nudge), bound)
        _kill(supervisors)
    for spec in reversed(specs):
        if orphans := [p for name, p in running if name == spec.name and alive(p)]:
            report(f"{spec.name} runs without a supervisor: ending it")
            _end(orphans, spec.stop_seconds)
    kill_all(data_dir)
    return bool(running)


def kill_all(data_dir: Path) -> None:
    """Kill all processes of `data_dir`, supervisord first, because it would restart the others."""
    _kill([process for name, process in owned(data_dir) if not name])
    _kill([process for _, process in owned(data_dir)])


class _StopReport:
    """Reports each process that has stopped. Each call returns whether all have."""

    def __init__(
        self,
        processes: Sequence[tuple[str, psutil.Process]],
        report: Report,
        nudge: Callable[[], None],
    ) -> None:
        self._left = list(processes)
        self._report = report
        self._nudge = nudge

    def __call__(self) -> bool:
        self._nudge()
        before = dict.fromkeys(name for name, _ in self._left)
        # In reverse, so that no process is reported before one that stopped earlier.
        left = [(name, process) for name, process in reversed(self._left) if alive(process)]
        self._left = left[::-1]
        running = {name for name, _ in self._left}
        for name in before:
            if name not in running:
                self._report(f"{name or 'supervisord'} has stopped")
        return not self._left


def _end(processes: Collection[psutil.Process], seconds: float) -> None:
    for process in processes:
        _signal(process.terminate)
    if not wait_until(lambda: not any(map(alive, processes)), seconds):
        _kill(processes)


def _kill(processes: Collection[psutil.Process]) -> None:
    for process in processes:
        _signal(process.kill)
    wait_until(lambda: not any(map(alive, processes)), 5)


def _signal(send: Callable[[], None]) -> None:
    with suppress(psutil.NoSuchProcess):  # it ended, and its pid may belong to another process
        send()
