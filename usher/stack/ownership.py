"""Finds the processes of one stack, also those that a killed supervisord left behind.

Each process has the stack's data folder in its environment, inherited from supervisord. Usher reads
it from the process before it sends a signal.
"""

import os
from pathlib import Path

import psutil

MARK = "USHER_STACK_DIR"


def alive(process: psutil.Process) -> bool:
    """Return whether a process runs. A zombie does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def name_of(process: psutil.Process, data_dir: Path) -> str | None:
    """Return the name of a process of this stack: "" for supervisord, None for another's."""
    try:
        env = process.environ()
    except psutil.Error:
        return None
    return env.get("SUPERVISOR_PROCESS_NAME", "") if env.get(MARK) == str(data_dir) else None


def owned(data_dir: Path) -> list[tuple[str, psutil.Process]]:
    """Return every live process of the stack with its name, except this one and its parents."""
    own = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    return [
        (name, process)
        for process in psutil.process_iter()
        if process.pid not in own
        and (name := name_of(process, data_dir)) is not None
        and alive(process)
    ]
