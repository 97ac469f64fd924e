"""The peers of the benchmark: what runs, what they need, and that they do the same work."""

import os
from pathlib import Path
from typing import Any, cast

import pytest
from dapr.ext.workflow import WorkflowActivityContext

from bench.contenders import ALL, PEERS, chosen
from bench.peers import work
from bench.peers.tools import Tools, find_or_install
from bench.stacks import specs, stack_settings
from bench.workflows import bench_workflow
from usher.stack import postgres
from usher.stack.errors import SetupError
from usher.stack.spec import Binaries, ProcessSpec

BINARIES = Binaries(Path("/b/redis"), Path("/b/daprd"), Path("/b/placement"), Path("/b/scheduler"))
TOOLS = Tools(Path("/t/python"), Path("/t/pg"), Path("/t/restate-server"))
NAMES = [peer.name for peer in PEERS]
SERVED = ["dbos", "restate"]
"""Those with a server of their own."""


def processes_of(name: str, tmp_path: Path) -> list[ProcessSpec]:
    peer = chosen([name])[0]
    return list(specs(peer, stack_settings(peer, tmp_path, 350), BINARIES, TOOLS))


def test_peers_take_part_only_where_they_are_named() -> None:
    assert chosen([]) == list(ALL)
    assert chosen([*reversed(NAMES), "usher"]) == [chosen(["usher"])[0], *PEERS]


@pytest.mark.parametrize("name", NAMES)
def test_a_peer_has_its_server_and_nothing_of_dapr(name: str, tmp_path: Path) -> None:
    found = processes_of(name, tmp_path)
    server = {"dbos": ["postgres"], "dbos-sqlite": [], "restate": ["restate"]}[name]
    assert [spec.name for spec in found] == ["redis", *server, "notifier", "worker"]
    assert [spec.tier for spec in found] == sorted(spec.tier for spec in found)
    assert {spec.argv[0] for spec in found[-2:]} == {"/t/python"}


@pytest.mark.parametrize("name", NAMES)
def test_the_broker_of_a_peer_keeps_its_data_as_the_others_do(name: str, tmp_path: Path) -> None:
    redis = processes_of(name, tmp_path)[0].argv
    assert redis[redis.index("--appendonly") + 1] == "yes"
    assert redis[redis.index("--appendfsync") + 1] == "everysec"


@pytest.mark.parametrize("name", SERVED)
def test_a_peer_listens_on_loopback_alone_and_on_ports_that_are_checked(
    name: str, tmp_path: Path
) -> None:
    settings = stack_settings(chosen([name])[0], tmp_path, 350)
    server = processes_of(name, tmp_path)[1]
    words = [*server.argv, *server.env.values()]
    ports = [str(settings.ports()[port]) for port in server.ports]
    assert ports
    for port in ports:
        assert port in words or f"127.0.0.1:{port}" in words
    assert not [word for word in words if "0.0.0.0" in word]
    assert "127.0.0.1" in " ".join(words)


@pytest.mark.parametrize("name", SERVED)
def test_a_server_keeps_its_default_durability(name: str, tmp_path: Path) -> None:
    server = processes_of(name, tmp_path)[1]
    said = " ".join([*server.argv, *server.env]).lower()
    assert "sync" not in said
    assert "fsync" in chosen([name])[0].stores.partition(";")[2]


def test_the_work_is_the_same_work() -> None:
    ctx = cast(WorkflowActivityContext, None)
    order: dict[str, Any] = {"order": "o-1", "item": "a laptop", "pieces": 2}
    reserved = work.reserve(order)
    assert reserved == cast(Any, bench_workflow.reserve)(ctx, order)
    assert work.charge(reserved) == cast(Any, bench_workflow.charge)(ctx, reserved)
    given = {"order": "o-1"}
    full = bench_workflow.Order(order="o-1").model_dump()
    assert work.reserve(given) == cast(Any, bench_workflow.reserve)(ctx, full)


@pytest.mark.parametrize(
    ("peer", "remedy"),
    [("dbos", "apt-get install postgresql"), ("restate", "apt-get install npm")],
)
def test_what_is_missing_on_the_system_is_named_and_not_installed(
    peer: str, remedy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(postgres, "DEBIAN", tmp_path)
    with pytest.raises(SetupError, match=remedy):
        find_or_install({peer}, lambda _: None)
    assert not (tmp_path / "cache").exists()


def test_an_older_postgres_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("initdb", "postgres"):
        program = tmp_path / name
        program.write_text('#!/bin/sh\necho "initdb (PostgreSQL) 13.4 (Debian 13.4-1)"\n')
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/bin")
    monkeypatch.setattr(postgres, "DEBIAN", tmp_path)
    with pytest.raises(SetupError, match="Postgres 14 or newer"):
        find_or_install({"dbos"}, lambda _: None)
