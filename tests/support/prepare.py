"""Pytest plugin: makes what takes minutes before the first test, outside its time limit."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.asyncapi_parser import AsyncapiParser, install_asyncapi_parser
from tests.support.dapr_cli import build_dapr_cli
from tests.support.dapr_module import DaprModule, fetch_dapr_module
from tests.support.k8s.fixtures import prepare_cluster
from tests.support.keda_module import KedaModule, fetch_keda_module
from tests.support.kustomize import Kustomize, build_kustomize
from tests.support.stand_in_images import provide_images
from usher.stack.errors import SetupError
from usher.stack.redis import find_or_install
from usher.stack.runtime import find_or_build
from usher.stack.settings import StackSettings


def tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def _runtime() -> None:
    if os.environ.get("USHER_TEST_ON") == "kubernetes":
        prepare_cluster(tell)
        return
    settings = StackSettings()
    find_or_install(tell, settings.redis_server)
    find_or_build(tell, settings.dapr_dir)


def _cli() -> None:
    build_dapr_cli(tell)


# What a fixture stands on. Each finds at once what is there already, and two runs build it once.
_MADE_FOR: dict[str, Callable[[], object]] = {
    "running_stack": _runtime,
    "usher": _runtime,
    "chaos_stack": _runtime,
    "cluster": lambda: prepare_cluster(tell),
    "dapr_cli": _cli,
    "kustomize": lambda: build_kustomize(tell),
    "asyncapi_parser": lambda: install_asyncapi_parser(tell),
    "dapr_module": lambda: fetch_dapr_module(tell),
    "keda_module": lambda: fetch_keda_module(tell),
    "composed": lambda: provide_images(tell),
}


@pytest.fixture(scope="session")
def dapr_cli() -> Path:
    """The real `dapr` CLI."""
    return build_dapr_cli(tell)


@pytest.fixture(scope="session")
def kustomize() -> Kustomize:
    """The real kustomize."""
    return build_kustomize(tell)


@pytest.fixture(scope="session")
def asyncapi_parser() -> AsyncapiParser:
    """The parser that AsyncAPI's own tools use."""
    return install_asyncapi_parser(tell)


@pytest.fixture(scope="session")
def dapr_module() -> DaprModule:
    """What the Dapr module says of Kubernetes."""
    return fetch_dapr_module(tell)


@pytest.fixture(scope="session")
def keda_module() -> KedaModule:
    """What the KEDA module says of Kubernetes."""
    return fetch_keda_module(tell)


def pytest_collection_finish(session: pytest.Session) -> None:
    if session.config.option.collectonly:
        return
    wanted = {name for item in session.items for name in getattr(item, "fixturenames", ())}
    try:
        for fixture, make in _MADE_FOR.items():
            if fixture in wanted:
                make()
    except SetupError as error:
        raise pytest.UsageError(str(error)) from error
