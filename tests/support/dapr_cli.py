"""The real `dapr` CLI, for the tests that type what a user types: found on PATH, or built."""

import shutil
import subprocess
from pathlib import Path

from usher.stack.gobuild import Recipe, build
from usher.stack.program import Report

# Its go.mod asks for a components-contrib that the module proxy does not serve.
CLI = Recipe(
    name="dapr-cli",
    module="github.com/dapr/cli",
    version="1.16.5",
    packages=(".",),
    ldflags="-s -w -X main.version=1.16.5",
    takes="about 5 minutes on two cores, 4 GB of disk for as long",
    flags=("-mod=mod",),
    edits=(
        "-replace",
        "github.com/dapr/components-contrib=github.com/dapr/components-contrib@v1.16.0",
    ),
    output="dapr",
)


def build_dapr_cli(report: Report) -> Path:
    """PATH's `dapr`, else the cache's, else a built one. Raises SetupError if the build fails."""
    return _prove(None) or _prove_built(CLI.folder()) or build(CLI, report, _prove_built)


def _prove_built(folder: Path) -> Path | None:
    return _prove(str(folder))


def _prove(search_path: str | None) -> Path | None:
    """The `dapr` on `search_path` (None: PATH), if it answers as the real one does."""
    if (program := shutil.which("dapr", path=search_path)) is None:
        return None
    try:
        answer = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return Path(program) if "CLI version:" in answer.stdout else None
