"""Refuses to start a stack on a file system that has no room for its data."""

import shutil
from pathlib import Path

from usher.stack.errors import StackError

LEAST_BYTES = 256 * 1024 * 1024
"""The scheduler's etcd first writes two files of 64 MB, and panics if it cannot."""


def refuse_too_little_space(folder: Path) -> None:
    """Raise `StackError` if the file system of `folder` has less room than a stack needs."""
    free = shutil.disk_usage(folder).free
    if free < LEAST_BYTES:
        raise StackError(
            f"{folder} has {free // 2**20} MiB left, and the stack needs {LEAST_BYTES // 2**20}: "
            "the scheduler cannot start with less.\n"
            "Make room, or set USHER_DATA_DIR to another folder."
        )
