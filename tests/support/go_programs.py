"""Programs that the compose tests want and no package brings: docker compose, Jaeger."""

import subprocess
from pathlib import Path

from usher.stack.gobuild import Recipe, build
from usher.stack.program import Report

COMPOSE = Recipe(
    name="docker-compose",
    module="github.com/docker/compose/v2",
    version="2.40.3",
    packages=("./cmd",),
    ldflags="-s -w -X github.com/docker/compose/v2/internal.Version=v2.40.3",
    takes="about 3 minutes on two cores",
    output="docker-compose",
)
# Jaeger 2.13.0 is of one release with 1.76.0, and only that is a version of the Go module.
JAEGER = Recipe(
    name="jaeger",
    module="github.com/jaegertracing/jaeger",
    version="1.76.0",
    packages=("./cmd/jaeger",),
    ldflags="-s -w",
    takes="about 6 minutes on two cores",
    output="jaeger",
)


def built(recipe: Recipe, report: Report) -> Path:
    """The program of a recipe that makes one, from the cache or built. Raises SetupError."""

    def prove(folder: Path) -> Path | None:
        program = folder / recipe.output
        if not program.exists():
            return None
        asked = subprocess.run([program, "version"], capture_output=True, timeout=60)
        return program if asked.returncode == 0 else None

    return prove(recipe.folder()) or build(recipe, report, prove)
