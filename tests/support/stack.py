"""The real stack for tests: one for each worker of a run, on ports of its own, on fresh data."""

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.driver import Driver
from tests.support.prepare import tell
from usher.stack.settings import StackSettings
from usher.stack.stack import Stack

ROOT = Path(__file__).parents[2]
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
PORTS_BESIDE = int(os.environ.get("USHER_TEST_PORTS_BESIDE", "3000")) + 2000 * _WORKER
"""How far the tests' ports are from the defaults, so that `make up` may run beside them.

Each worker of pytest-xdist has a stack of its own, so that one may kill what it likes.
"""


@pytest.fixture(scope="session")
def running_stack() -> Iterator[Driver]:
    defaults = StackSettings(
        data_dir=ROOT / "build" / f"test-stack-{PORTS_BESIDE}",
        workflows=(Path(__file__).parent / "workflows",),
    )
    settings = defaults.shifted(PORTS_BESIDE)
    stack = Stack(settings)
    stack.down(report=tell)
    stack.up(fresh=True, report=tell)
    try:
        with httpx.Client(timeout=30, trust_env=False) as http:
            yield Driver(stack, settings, http)
    finally:
        stack.down(report=tell)


@pytest.fixture
def usher(running_stack: Driver) -> Iterator[Driver]:
    """The running stack, all of it healthy when the test begins."""
    running_stack.stack.wait_healthy(timeout=60)
    yield running_stack
    for name in set(running_stack.stack.names()) - set(running_stack.stack.pids()):
        running_stack.stack.start(name)  # what a test stopped and did not start again
