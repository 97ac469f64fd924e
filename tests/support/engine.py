"""The Docker engine and its command line, as a user has them: `docker …`, `docker compose …`."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.support.go_programs import COMPOSE, built
from usher.stack.program import Report

ROOT = Path(__file__).parents[2]


def missing() -> str | None:
    """Say why there is no engine to test on, or None where there is one."""
    if shutil.which("docker") is None:
        return "no docker on PATH"
    asked = subprocess.run(["docker", "version"], capture_output=True, text=True, timeout=60)
    if asked.returncode:
        return f"no Docker engine answers: {asked.stderr.strip().splitlines()[-1]}"
    return None


def run(
    *words: str | Path,
    env: Mapping[str, str] | None = None,
    seconds: float = 240,
    check: bool = True,
) -> subprocess.CompletedProcess[str]:
    """Run a command in the repository; one that fails shows what it said."""
    done = subprocess.run(
        words,
        cwd=ROOT,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
    )
    assert not check or done.returncode == 0, f"{words}: {done.stdout}\n{done.stderr}"
    return done


def docker(*words: str | Path, **options: str) -> str:
    """Run `docker`, with environment variables as options; return what it printed."""
    return run("docker", *words, env=options, seconds=900).stdout.strip()


def plugins(report: Report) -> dict[str, str]:
    """The environment in which `docker compose` is a command: the user's own, or one we built."""
    if not run("docker", "compose", "version", check=False).returncode:
        return {}
    program = built(COMPOSE, report)
    folder = program.parent / "config" / "cli-plugins"
    folder.mkdir(parents=True, exist_ok=True)
    link = folder / "docker-compose"
    if not link.is_symlink():
        link.symlink_to(program)
    return {"DOCKER_CONFIG": str(folder.parent)}
