"""Runs one command of set-up that may take minutes, with a sign of life on screen every 20 s."""

import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from usher.stack.errors import SetupError

TICK_SECONDS = 20.0
TAIL_LINES = 12

Report = Callable[[str], None]


def run(
    command: Sequence[str | Path],
    doing: str,
    log: Path,
    report: Report,
    *,
    counted: str = "",
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> list[str]:
    """Returns the lines that the command printed; they are at the end of `log` too.

    While it runs, `report` hears how long it has been and, if `counted` says what a line stands
    for, how many there are. Raises SetupError with the last lines. Left early (Ctrl-C), it ends
    the command and the processes which that started.
    """
    begun, earlier = time.monotonic(), log.stat().st_size if log.exists() else 0

    def lines() -> list[str]:
        return log.read_bytes()[earlier:].decode(errors="replace").splitlines()

    with log.open("ab") as sink:
        process = subprocess.Popen(
            command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink
        )
        try:
            while process.poll() is None:
                try:
                    process.wait(TICK_SECONDS)
                except subprocess.TimeoutExpired:
                    minutes, seconds = divmod(round(time.monotonic() - begun), 60)
                    count = f"{len(lines())} {counted}, " if counted else ""
                    report(f"{doing}: {count}{minutes}:{seconds:02} min")
        finally:
            _end(process)
    if process.returncode:
        tail = "\n".join(lines()[-TAIL_LINES:])
        raise SetupError(f"{doing} failed. All of its output is in {log}, which ends in:\n{tail}")
    return lines()


def _end(process: subprocess.Popen[bytes]) -> None:
    """Interrupts a command that still runs, with all that it started, as Ctrl-C would."""
    if process.poll() is not None:
        return
    try:
        for child in psutil.Process(process.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                child.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
    finally:
        process.kill()
        process.wait()
