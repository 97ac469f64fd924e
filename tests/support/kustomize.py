"""The real kustomize, for the tests of the manifests: found in the cache, or built; renders."""

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from usher.stack.gobuild import Recipe, build
from usher.stack.program import Report
from usher.stack.toolbox import version_of

KUSTOMIZE = Recipe(
    name="kustomize",
    module="sigs.k8s.io/kustomize/kustomize/v5",
    version="5.8.1",
    packages=(".",),
    ldflags="-s -w -X sigs.k8s.io/kustomize/api/provenance.version=v5.8.1",
    takes="under 2 minutes on two cores",
    output="kustomize",
)

Resource = dict[str, Any]


@dataclass(frozen=True)
class Kustomize:
    program: Path

    def rendered(self, folder: Path) -> str:
        """Return what `kustomize build` prints, by its own rules on which files it may read."""
        told = subprocess.run(
            [self.program, "build", folder], capture_output=True, text=True, timeout=60
        )
        assert told.returncode == 0, told.stderr
        assert not told.stderr, told.stderr
        return told.stdout

    def resources(self, folder: Path) -> list[Resource]:
        return list(yaml.safe_load_all(self.rendered(folder)))


def build_kustomize(report: Report) -> Kustomize:
    """The cache's, else a built one. Raises SetupError if the build fails."""
    return _prove(KUSTOMIZE.folder()) or build(KUSTOMIZE, report, _prove)


def _prove(folder: Path) -> Kustomize | None:
    program = folder / "kustomize"
    return Kustomize(program) if version_of(program, "version") == KUSTOMIZE.version else None
