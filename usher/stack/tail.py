"""Reads log files that grow, are rotated, and start anew."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

# Read from one file at a time, so that a noisy process does not delay the others.
_CHUNK = 256 * 1024


def last_lines(path: Path, count: int) -> list[str]:
    """Return the last `count` lines of a log and its rotated predecessor; [] without a log."""
    lines: list[str] = []
    for part in (path.with_name(f"{path.name}.1"), path):
        try:
            with part.open("rb") as log:
                log.seek(max(0, log.seek(0, 2) - _CHUNK))
                lines += log.read().decode(errors="replace").splitlines()
        except FileNotFoundError:
            continue
    return lines[-count:] if count else []


def lines_since(path: Path, begin: int) -> list[str]:
    """Return the lines of a log after the byte `begin`, or all if the log was started anew."""
    try:
        with path.open("rb") as log:
            size = log.seek(0, 2)
            log.seek(max(begin if begin <= size else 0, size - _CHUNK))
            return log.read().decode(errors="replace").splitlines()
    except FileNotFoundError:
        return []


class LogReader:
    """Reads the new lines of several logs. Use it as a context, or `close` it."""

    def __init__(self, paths: Mapping[str, Path]) -> None:
        """Begin at the end of each log. A log that does not exist yet is read from its start."""
        self._logs = {name: _Log(path) for name, path in paths.items()}

    def __enter__(self) -> "LogReader":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self) -> list[tuple[str, str]]:
        """Return the complete lines since the last call as (name, line), log by log."""
        return [(name, line) for name, log in self._logs.items() for line in log.read()]

    def close(self) -> None:
        for log in self._logs.values():
            log.close()


class _Log:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._partial = b""
        self._file = self._open()
        if self._file:
            self._file.seek(0, 2)

    def read(self) -> list[str]:
        self._file = self._file or self._open()
        data = self._next() if self._file else b""
        if self._file and not data and self._replaced():
            data = self._file.read()  # the rest, written before the rotation
            self._file.close()
            self._file = None
        *lines, self._partial = (self._partial + data).split(b"\n")
        if len(self._partial) > _CHUNK:  # a line without an end must not grow for ever
            lines, self._partial = [*lines, self._partial], b""
        return [line.decode(errors="replace").rstrip("\r") for line in lines]

    def close(self) -> None:
        if self._file:
            self._file.close()

    def _open(self) -> BinaryIO | None:
        try:
            return self._path.open("rb")
        except FileNotFoundError:
            return None

    def _next(self) -> bytes:
        assert self._file is not None
        if os.fstat(self._file.fileno()).st_size < self._file.tell():
            self._file.seek(0)  # truncated
        return self._file.read(_CHUNK)

    def _replaced(self) -> bool:
        assert self._file is not None
        try:
            return not os.path.samestat(self._path.stat(), os.fstat(self._file.fileno()))
        except FileNotFoundError:
            return False  # in the middle of a rotation, or removed
