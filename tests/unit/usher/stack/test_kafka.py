"""Kafka of the embedded stack: where it listens, what it keeps, and when it is ready."""

import socket
import struct
import threading
from pathlib import Path

import pytest

from contracts.brokers import BrokerNames
from usher.stack import kafka
from usher.stack.errors import SetupError
from usher.stack.processes import processes
from usher.stack.servers import data_dirs
from usher.stack.settings import LOOPBACK, StackSettings
from usher.stack.spec import Binaries

NOWHERE = Binaries(Path("redis"), Path("daprd"), Path("placement"), Path("scheduler"))


def test_it_listens_on_this_machine_alone_and_takes_what_the_components_send(
    tmp_path: Path,
) -> None:
    settings = StackSettings(data_dir=tmp_path, broker="kafka")
    kafka.write_properties(settings, data_dirs(settings)["kafka"])
    lines = (tmp_path / kafka.FILE).read_text().splitlines()
    said = dict(line.split("=", 1) for line in lines)
    assert said["listeners"].split(",") == [
        f"PLAINTEXT://{LOOPBACK}:{settings.kafka_port}",
        f"CONTROLLER://{LOOPBACK}:{settings.kafka_controller_port}",
    ]
    component = (settings.component_folders[-1] / "pubsub.yaml").read_text()
    assert "12582912" in component
    assert int(said["message.max.bytes"]) > 12_582_912
    assert said["log.dirs"] == str(tmp_path / "data" / "kafka")


def test_it_is_started_and_named_to_the_sidecars_where_it_is_the_broker(tmp_path: Path) -> None:
    settings = StackSettings(data_dir=tmp_path, broker="kafka", state="postgres")
    specs = {spec.name: spec for spec in processes(settings, NOWHERE)}
    assert list(specs)[:2] == ["kafka", "postgres"]
    where = f"{LOOPBACK}:{settings.kafka_port}"
    assert specs["kafka"].ready == f"kafka://{where}/"
    assert specs["starter-daprd"].env["USHER_KAFKA_BROKERS"] == where
    assert "redis" not in specs  # nothing is in it
    assert set(data_dirs(settings)) == {"kafka", "postgres", "scheduler"}
    plain = StackSettings(data_dir=tmp_path)
    assert "kafka" not in [spec.name for spec in processes(plain, NOWHERE)]


def test_what_it_needs_is_named_where_it_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SetupError, match="apt-get install default-jre-headless"):
        kafka.find_or_fetch(lambda _: None)
    (tmp_path / "java").write_text("#!/bin/sh\necho 'openjdk version \"17.0.15\"' >&2\n")
    (tmp_path / "java").chmod(0o755)
    with pytest.raises(SetupError, match="apt-get install maven"):
        kafka.find_or_fetch(lambda _: None)


def answered(*topics: tuple[str, int, str | None]) -> bytes:
    """An answer to CreateTopics: for each topic its error, and what is said of it."""
    body = struct.pack("!iii", 1, 0, len(topics))
    for name, code, said in topics:
        body += struct.pack("!h", len(name)) + name.encode()
        body += struct.pack("!hh", code, -1 if said is None else len(said)) + (said or "").encode()
    return struct.pack("!i", len(body)) + body


MADE, THERE = ("workflow-requests", 0, None), ("workflow-completions", 36, "already exists")
NO_BROKER = ("workflow-completions", 7, "timed out")


@pytest.mark.parametrize(
    ("answer", "ready"),
    [
        (answered(MADE, THERE), True),
        (answered(MADE, NO_BROKER), False),
        (answered(MADE, THERE)[:9], False),
        (b"", False),
    ],
)
def test_it_is_ready_once_it_has_the_topics_of_several_partitions(
    answer: bytes, ready: bool
) -> None:
    with socket.create_server((LOOPBACK, 0)) as server:

        def serve() -> None:
            caller, _ = server.accept()
            with caller:
                asked = caller.recv(1000)
                assert struct.unpack_from("!i", asked)[0] == len(asked) - 4
                assert b"workflow-requests\0\0\0\x04" in asked
                caller.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        assert kafka.is_ready(f"{LOOPBACK}:{server.getsockname()[1]}", BrokerNames(), 2) is ready
        thread.join(5)
    assert kafka.is_ready(f"{LOOPBACK}:1", BrokerNames(), 1) is False
