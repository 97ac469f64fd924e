"""Finds what the peers need, or installs it into the per-user cache.

System packages are only named. What the peers depend on is no business of Usher's lock: their
Python is a virtual environment of its own.
"""

import shutil
import sys
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from uv import find_uv_bin

from usher.stack.errors import SetupError
from usher.stack.postgres import find_postgres, major
from usher.stack.program import Report, run
from usher.stack.toolbox import cache_dir, only_one

PYTHON = ("dbos==3.4.0", "psycopg[binary]==3.3.9", "restate-sdk==1.3.0", "hypercorn==0.18.0",
          "redis==8.1.0")  # fmt: skip
"""From PyPI."""
NODE = "@restatedev/restate-server@1.7.12"
"""From npm; it carries the server as a program."""


@dataclass(frozen=True)
class Tools:
    """The programs; Postgres is None where no contender needs it, and so is Restate."""

    python: Path
    postgres: Path | None = None
    """The folder with `initdb` and `postgres`."""
    restate: Path | None = None

    def versions(self) -> dict[str, str | float | int | None]:
        """What a result says of them."""
        pinned = dict(one.split("==") for one in PYTHON if one.startswith(("dbos", "restate")))
        found: dict[str, str | float | int | None] = {"dbos": pinned["dbos"]}
        if self.postgres:
            found |= {"postgres": major(self.postgres / "initdb")}
        if self.restate:
            found |= {"restate_sdk": pinned["restate-sdk"], "restate": NODE.rpartition("@")[2]}
        return found


def find_or_install(peers: Collection[str], report: Report) -> Tools:
    """Return what these peers need, by their names. Raises SetupError that says what is missing.

    What is on the system is looked at first, so that a lack of it is known before any download.
    """
    postgres = find_postgres() if "dbos" in peers else None
    npm = _npm() if "restate" in peers else None
    folder = cache_dir() / "bench-peers"
    with only_one(folder.name, report):
        folder.mkdir(exist_ok=True)
        return Tools(_python(folder, report), postgres, npm and _restate(npm, folder, report))


def _npm() -> Path:
    if found := shutil.which("npm"):
        return Path(found)
    raise _missing("Restate's server comes from npm, which", "apt-get install npm")


def _missing(what: str, remedy: str) -> SetupError:
    return SetupError(
        f"{what} is not here, and this installs no system packages. On Debian and Ubuntu:"
        f" {remedy}. Or leave that peer out: python -m bench --only usher,…"
    )


def _python(folder: Path, report: Report) -> Path:
    """Return the interpreter of the peers' environment, which has exactly the pinned packages."""
    venv = folder / "venv"
    python = venv / "bin" / "python"
    if not _marked(venv, "\n".join(PYTHON)):
        log, uv = folder / "venv.log", find_uv_bin()
        shutil.rmtree(venv, ignore_errors=True)
        run([uv, "venv", "--python", sys.executable, venv], "making the peers' venv", log, report)
        install: list[str | Path] = [uv, "pip", "install", "--python", python, *PYTHON]
        run(install, "installing the peers from PyPI", log, report)
        _mark(venv, "\n".join(PYTHON))
    return python


def _restate(npm: Path, folder: Path, report: Report) -> Path:
    node = folder / "node"
    if not _marked(node, NODE):
        shutil.rmtree(node, ignore_errors=True)
        node.mkdir()
        options: list[str | Path] = [
            "--prefix",
            node,
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
        ]
        run([npm, "install", *options, NODE], "installing Restate", folder / "node.log", report)
        _mark(node, NODE)
    for server in node.glob("node_modules/@restatedev/restate-server-*/bin/restate-server"):
        return server
    raise SetupError(f"{NODE} has no server for this machine")


def _marked(folder: Path, content: str) -> bool:
    mark = folder / "installed"
    return mark.is_file() and mark.read_text() == content


def _mark(folder: Path, content: str) -> None:
    (folder / "installed").write_text(content)
