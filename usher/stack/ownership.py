"""Finds the processes of one stack, also those that a killed supervisord left behind.

Each carries the stack's data folder in its environment, handed on from supervisord to its children
and theirs. A pid is only signalled once that was read from the process itself.
"""

import os
from pathlib import Path

import psutil

MARK = "USHER_STACK_DIR"


def alive(process: psutil.Process) -> bool:
    """Whether it still runs; a zombie, which nobody has reaped yet, does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def name_of(process: psutil.Process, data_dir: Path) -> str | None:
    """Which process of this stack it is: a name, "" for supervisord, None if it is not ours."""
    try:
        env = process.environ()
    except psutil.Error:
        return None
    return env.get("SUPERVISOR_PROCESS_NAME", "") if env.get(MARK) == str(data_dir) else None


def owned(data_dir: Path) -> list[tuple[str, psutil.Process]]:
    """Every live process of the stack with its name, except this one and those it runs under."""
    ourselves = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    return [
        (name, process)
        for process in psutil.process_iter()
        if process.pid not in ourselves
        and (name := name_of(process, data_dir)) is not None
        and alive(process)
    ]
