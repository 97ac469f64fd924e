"""Ends one stack: in order and in bounded time, whoever started it and however it got there."""

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from usher.stack.ownership import alive, owned
from usher.stack.processes import ProcessSpec
from usher.stack.program import Report
from usher.stack.wait import wait_until


def shut_down(
    data_dir: Path,
    specs: Sequence[ProcessSpec],
    report: Report,
    *,
    nudge: Callable[[], None],
) -> bool:
    """Stop all that runs for `data_dir`, the last of `specs` first; False if nothing did.

    supervisord does it, one process after the other. Where it cannot, as it was killed or hangs,
    what it left is ended here in the same order. What does not end in its time is killed. `nudge`
    is called while supervisord is waited for.
    """
    rank = {spec.name: place for place, spec in enumerate(specs)}
    ours = sorted(owned(data_dir), key=lambda named: rank.get(named[0], -1), reverse=True)
    if supervisors := [process for name, process in ours if not name]:
        for process in supervisors:
            _signal(process.terminate)
        bound = sum(spec.stop_seconds for spec in specs) + 10
        wait_until(_Farewell(ours, report, nudge), bound)
        _kill(supervisors)
    for spec in reversed(specs):
        if orphans := [p for name, p in ours if name == spec.name and alive(p)]:
            report(f"{spec.name} runs without a supervisor: ending it")
            _end(orphans, spec.stop_seconds)
    kill_all(data_dir)
    return bool(ours)


def kill_all(data_dir: Path) -> None:
    """SIGKILL to all that runs for `data_dir`, supervisord first: it would start others again."""
    _kill([process for name, process in owned(data_dir) if not name])
    _kill([process for _, process in owned(data_dir)])


class _Farewell:
    """Reports each process once it is gone, and says whether all are."""

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
        # From the last to go: so none that goes meanwhile is passed by one that goes after it.
        left = [(name, process) for name, process in reversed(self._left) if alive(process)]
        self._left = left[::-1]
        still = {name for name, _ in self._left}
        for name in before:
            if name not in still:
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
    with suppress(psutil.NoSuchProcess):  # gone, or another process has its pid by now
        send()
