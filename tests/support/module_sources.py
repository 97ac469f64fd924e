"""Files of a Go module, as its release has them, in the cache: schemas, charts, sources."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from usher.stack.gobuild import find_go, go_environment
from usher.stack.program import Report, run
from usher.stack.toolbox import cache_dir, only_one


def fetch_sources(
    label: str, module: str, version: str, kept: Sequence[str], report: Report
) -> Path:
    """Return the folder in the cache with the files and folders `kept`. Raises SetupError."""
    folder = cache_dir() / f"{label}-sources-{version}"
    with only_one(folder.name, report):
        # An earlier recipe may have kept less.
        if not all((folder / name).exists() for name in kept):
            work = cache_dir() / f"{folder.name}.partial"
            shutil.rmtree(work, ignore_errors=True)
            (work / "tmp").mkdir(parents=True)
            downloaded = _download(f"{module}@v{version}", work, report)
            for name in kept:
                source, target = downloaded / name, work / "kept" / name
                target.parent.mkdir(parents=True, exist_ok=True)
                copy = shutil.copytree if source.is_dir() else shutil.copyfile
                copy(source, target)
            shutil.rmtree(folder, ignore_errors=True)
            (work / "kept").rename(folder)
            shutil.rmtree(work)
    return folder


def _download(module: str, work: Path, report: Report) -> Path:
    log = work / "download.log"
    command: list[str | Path] = [find_go(work / "sdk", report), "mod", "download", "-json", module]
    env = go_environment(work, work / "tmp")
    run(command, f"downloading {module}", log, report, cwd=work, env=env)
    return Path(json.loads(log.read_text())["Dir"])
