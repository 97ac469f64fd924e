"""Pytest plugin: Usher in containers, by the docker-compose.yml that users get, unchanged."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support import engine
from tests.support.driver import Document, Driver
from tests.support.prepare import tell
from tests.support.stack import PORTS_BESIDE
from usher.stack.settings import StackSettings
from usher.stack.stack import Stack

JAEGER_PORT = 16686
# Beside the embedded stack of the same worker.
BESIDE = PORTS_BESIDE + 400


class Composed(Driver):
    """One compose project of its own name and ports; `environment` is what a user would export."""

    def __init__(self, http: httpx.Client, plugins: dict[str, str]) -> None:
        # A stack that never runs: the ports are the same settings, and so are the routes.
        settings = StackSettings().shifted(BESIDE)
        super().__init__(Stack(settings, []), settings, http)
        self.jaeger_port = JAEGER_PORT + BESIDE
        self.project = f"usher-test-{BESIDE}"
        self._fixed = {
            **plugins,
            "COMPOSE_PROJECT_NAME": self.project,
            "COMPOSE_PROGRESS": "plain",
            "USHER_STARTER_PORT": str(settings.starter_port),
            "USHER_ORCHESTRATOR_PORT": str(settings.orchestrator_port),
            "USHER_NOTIFIER_PORT": str(settings.notifier_port),
            "USHER_STARTER_DAPR_HTTP_PORT": str(settings.starter_dapr_http_port),
            "USHER_JAEGER_PORT": str(self.jaeger_port),
        }
        self.environment: dict[str, str] = {}
        self.took = 0.0
        """Seconds of the last `up`."""

    def compose(
        self, *words: str, seconds: float = 240, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Type `docker compose …`."""
        env = {**self._fixed, **self.environment}
        return engine.run("docker", "compose", *words, env=env, seconds=seconds, check=check)

    def up(self, *services: str) -> None:
        began = time.monotonic()
        try:
            self.compose("up", "--wait", *services)
        except AssertionError:
            sys.stderr.write(self.compose("logs", "--tail", "40", check=False).stdout)
            raise
        self.took = time.monotonic() - began

    def down(self, *words: str) -> None:
        self.compose("down", *words)

    def log(self, name: str) -> str:
        return self.compose("logs", "--no-color", "--no-log-prefix", name).stdout

    def inspect(self, service: str) -> Document:
        """What the engine says of a service's container."""
        container = self.compose("ps", "--all", "--quiet", service).stdout.split()[0]
        (found,) = json.loads(engine.docker("inspect", container))
        document: Document = found
        return document

    def inside(self, service: str, code: str) -> str:
        """Run Python inside one of our containers, and return what it printed.

        It has the tokens that the container's own program has.
        """
        handing = () if service == "starter" else ("python", "-m", "usher.stack.with_tokens")
        words = (*handing, "python", "-c", code)
        return self.compose("exec", "--no-TTY", service, *words).stdout.strip()


@pytest.fixture(scope="module")
def composed() -> Iterator[Composed]:
    """The whole of it, healthy, on volumes of its own that are new."""
    if why := engine.missing():
        pytest.skip(f"docker compose needs a Docker engine: {why}")
    with httpx.Client(timeout=30, trust_env=False) as http:
        usher = Composed(http, engine.plugins(tell))
        usher.down("--volumes", "--remove-orphans")
        try:
            usher.up()
            yield usher
        finally:
            usher.environment = {}  # what it left unused, the volume of workflows, goes as well
            usher.down("--volumes", "--remove-orphans")


@pytest.fixture
def seen_by_dapr(composed: Composed, tmp_path: Path) -> dict[str, str]:
    """Let the dapr CLI see this starter's sidecar only: it looks among the host's processes."""
    pid = composed.inspect("starter-daprd")["State"]["Pid"]
    (tmp_path / str(pid)).symlink_to(f"/proc/{pid}")
    return {**os.environ, "HOST_PROC": str(tmp_path)}
