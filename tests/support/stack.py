"""The real stack for tests: one for each worker of a run, on ports of its own, on fresh data."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.driver import Driver
from tests.support.k8s.cluster import Cluster
from tests.support.k8s.fixtures import deployed, running_cluster
from tests.support.prepare import tell
from usher.stack.errors import SetupError
from usher.stack.kafka import find_or_fetch
from usher.stack.postgres import find_postgres
from usher.stack.settings import StackSettings
from usher.stack.stack import Stack

ROOT = Path(__file__).parents[2]
WORKFLOWS = Path(__file__).parent / "workflows"
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
PORTS_BESIDE = int(os.environ.get("USHER_TEST_PORTS_BESIDE", "3000")) + 2000 * _WORKER
"""How far the tests' ports are from the defaults, so that `make up` may run beside them.

Each worker of pytest-xdist has a stack of its own, so that one may kill what it likes.
"""
ON_KUBERNETES = os.environ.get("USHER_TEST_ON") == "kubernetes"


def settings_of(ports_beside: int, **changes: Any) -> StackSettings:
    """Settings of a stack of its own: its ports so far from the defaults, these changed."""
    data_dir = ROOT / "build" / f"test-stack-{ports_beside}"
    routes = data_dir / "routes.yaml"  # empty: a test may write and apply it
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    routes.write_text("")
    defaults = StackSettings(
        data_dir=data_dir,
        routes=(routes,),
        workflows=(WORKFLOWS,),
        samples=True,
    )
    return defaults.shifted(ports_beside).model_copy(update=changes)


@contextmanager
def up(ports_beside: int, **changes: Any) -> Iterator[Driver]:
    """A stack on fresh data, its ports so far from the defaults, with these settings changed."""
    settings = settings_of(ports_beside, **changes)
    stack = Stack(settings)
    stack.down(report=tell)
    if settings.redis:  # which the stack does not empty
        shutil.rmtree(settings.data_dir / "data", ignore_errors=True)
    stack.up(fresh=settings.redis is None, report=tell)
    try:
        with httpx.Client(timeout=30, trust_env=False) as http:
            yield Driver(stack, settings, http)
    finally:
        stack.down(report=tell)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A real Kubernetes with Dapr's control plane."""
    with running_cluster(PORTS_BESIDE, tell) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def running_stack(request: pytest.FixtureRequest) -> Iterator[Driver]:
    """The stack, or with `USHER_TEST_ON=kubernetes` the same on a cluster."""
    with _here_or_on_cluster(request, PORTS_BESIDE) as driver:
        yield driver


@pytest.fixture(scope="session")
def by_activity(request: pytest.FixtureRequest) -> Iterator[Driver]:
    """A stack whose runs announce their endings by an activity, not in their last turn."""
    with (
        pytest.MonkeyPatch.context() as patch,
        _here_or_on_cluster(
            request, PORTS_BESIDE + 620, patch, ORCHESTRATOR_ANNOUNCE="activity"
        ) as driver,
    ):
        yield driver


@contextmanager
def _here_or_on_cluster(
    request: pytest.FixtureRequest,
    ports_beside: int,
    patch: pytest.MonkeyPatch | None = None,
    **variables: str,
) -> Iterator[Driver]:
    """Give a stack whose orchestrator has these variables."""
    if ON_KUBERNETES:
        shared = request.getfixturevalue("tmp_path_factory").getbasetemp()
        settings, found = settings_of(ports_beside), request.getfixturevalue("cluster")
        folders = [shared, settings.data_dir / "crash"]
        with deployed(found, settings, folders, tell, **variables) as driver:
            yield driver
        return
    for name, value in variables.items():
        assert patch
        patch.setenv(name, value)
    with up(ports_beside) as driver:
        yield driver


@pytest.fixture(scope="session")
def on_postgres() -> Iterator[Driver]:
    """A stack whose workflow state and ledger are in Postgres."""
    yield from _shaped(330, find_postgres, state="postgres")


@pytest.fixture(scope="session")
def on_kafka_postgres() -> Iterator[Driver]:
    """The same, with Kafka for its broker."""

    def find() -> None:
        find_postgres()
        find_or_fetch(tell)

    yield from _shaped(360, find, broker="kafka", state="postgres")


def _shaped(beside: int, find: Callable[[], object], **chosen: str) -> Iterator[Driver]:
    """A stack on other servers; skipped where they are not installed."""
    try:
        find()
    except SetupError as error:
        pytest.skip(str(error))
    with up(PORTS_BESIDE + beside, **chosen) as driver:
        yield driver


@pytest.fixture
def usher(request: pytest.FixtureRequest) -> Iterator[Driver]:
    """The running stack, all of it healthy when the test begins."""
    driver = request.getfixturevalue(getattr(request, "param", "running_stack"))
    if ON_KUBERNETES and "tmp_path" in request.fixturenames:
        request.getfixturevalue("tmp_path").chmod(0o777)  # pods do not run as root
    yield from healthy(driver)


def healthy(driver: Driver) -> Iterator[Driver]:
    driver.stack.wait_healthy(timeout=60)
    yield driver
    for name in set(driver.stack.names()) - set(driver.stack.pids()):
        driver.stack.start(name)  # what a test stopped and did not start again


@pytest.fixture
def crash(usher: Driver) -> Path:
    """The folder in which a test arms a step of the orchestrator (workflows/crash_points.py)."""
    folder = usher.settings.data_dir / "crash"
    folder.mkdir(exist_ok=True)
    for left in folder.iterdir():
        left.unlink()
    return folder
