"""Runs one command of set-up that may take minutes, and reports progress every 20 s."""

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
    """Run the command and return the lines it printed. They are also at the end of `log`.

    `report` gets the time since the start. If `counted` says what a line stands for, it also gets
    the number of lines. Raises SetupError with the last lines. On Ctrl-C, the command and the
    processes that it started end.
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
        raise SetupError(f"{doing} failed. Its output is in {log}, which ends with:\n{tail}")
    return lines()


def _end(process: subprocess.Popen[bytes]) -> None:
    """Interrupt a command that still runs, and all processes it started, as Ctrl-C would."""
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
