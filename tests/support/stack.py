"""The real stack for tests: one for the whole run, on ports of its own, on fresh data."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.driver import Driver
from usher.stack.settings import StackSettings
from usher.stack.stack import Stack

ROOT = Path(__file__).parents[2]
PORTS_BESIDE = int(os.environ.get("USHER_TEST_PORTS_BESIDE", "3000"))
"""How far the tests' ports are from the defaults, so that `make up` may run beside them."""


def _report(line: str) -> None:
    sys.stderr.write(f"{line}\n")


@pytest.fixture(scope="session")
def running_stack() -> Iterator[Driver]:
    defaults = StackSettings(
        data_dir=ROOT / "build" / f"test-stack-{PORTS_BESIDE}",
        workflows=(Path(__file__).parent / "workflows",),
    )
    settings = defaults.shifted(PORTS_BESIDE)
    stack = Stack(settings)
    stack.down(report=_report)
    stack.up(fresh=True, report=_report)
    try:
        with httpx.Client(timeout=30, trust_env=False) as http:
            yield Driver(stack, settings, http)
    finally:
        stack.down(report=_report)


@pytest.fixture
def usher(running_stack: Driver) -> Iterator[Driver]:
    """The running stack, all of it healthy when the test begins."""
    running_stack.stack.wait_healthy(timeout=60)
    yield running_stack
    for name in set(running_stack.stack.names()) - set(running_stack.stack.pids()):
        running_stack.stack.start(name)  # what a test stopped and did not start again
