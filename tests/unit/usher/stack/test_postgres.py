"""Postgres of the embedded stack: the newest is found, and readiness is what it says itself."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from usher.stack import postgres
from usher.stack.errors import SetupError


def program(folder: Path, version: str) -> Path:
    folder.mkdir(parents=True)
    for name in ("initdb", "postgres"):
        (folder / name).write_text(f'#!/bin/sh\necho "initdb (PostgreSQL) {version}"\n')
        (folder / name).chmod(0o755)
    return folder


def test_the_newest_of_debian_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/bin")
    monkeypatch.setattr(postgres, "DEBIAN", tmp_path)
    for version in ("9.6", "14", "17"):
        program(tmp_path / version / "bin", f"{version}.3")
    (tmp_path / "other").mkdir()
    assert postgres.find_postgres() == tmp_path / "17" / "bin"


def test_where_there_is_none_it_is_said_how_to_get_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/bin")
    monkeypatch.setattr(postgres, "DEBIAN", tmp_path)
    program(tmp_path / "13" / "bin", "13.4")
    with pytest.raises(SetupError, match=r"(?s)Postgres 14 or newer.*apt-get install postgresql"):
        postgres.find_postgres()


@contextmanager
def answering(folder: Path, answer: bytes) -> Iterator[None]:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(folder / ".s.PGSQL.5432"))
        server.listen()

        def serve() -> None:
            caller, _ = server.accept()
            with caller:
                assert b"user\0usher\0" in caller.recv(1000)
                caller.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield
        thread.join(5)


@pytest.mark.parametrize(
    ("answer", "ready"),
    [(b"R\0\0\0\x08\0\0\0\0", True), (b"E\0\0\0\x0fSFATAL\0C57P03", False), (b"", False)],
)
def test_it_is_ready_once_it_takes_connections(tmp_path: Path, answer: bytes, ready: bool) -> None:
    with answering(tmp_path, answer):
        assert postgres.accepts(tmp_path, 2) is ready


def test_where_nothing_listens_it_is_not_ready(tmp_path: Path) -> None:
    assert postgres.accepts(tmp_path, 2) is False
