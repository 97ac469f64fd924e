"""Kafka of the embedded stack: fetches its programs from Maven, and says how it runs.

One node, which is broker and controller. It listens on this machine only and asks for no password:
it is for tests and trials.
"""

import shutil
import socket
import struct
from pathlib import Path

from contracts.brokers import BrokerNames
from contracts.topics import Topic
from usher.stack.errors import SetupError
from usher.stack.program import Report, run
from usher.stack.settings import LOOPBACK, StackSettings
from usher.stack.toolbox import at_least, cache_dir, only_one, version_of

VERSION = "4.1.1"
OLDEST_JAVA = "17.0.0"
PARTITIONS = {Topic.REQUESTS: 4, Topic.COMPLETIONS: 4}
"""Topics that several handlers may read at once. All others have one partition, so that what is
published without a key keeps its order."""
LARGEST_BYTES = 16 * 1024 * 1024
"""The largest record. A dead letter holds its event; the component sends up to 12 MiB."""
FILE = "kafka.properties"

_POM = f"""\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>usher</groupId><artifactId>kafka</artifactId><version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId>
      <version>{VERSION}</version>
    </dependency>
    <dependency>
      <groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version>
    </dependency>
  </dependencies>
</project>
"""
_CLUSTER = "usher-embedded-stack00"
"""The id of the cluster: 22 characters, the same for each stack."""
_FORMAT_AND_RUN = (
    'test -s "$1/meta.properties" || java -cp "$0/*" kafka.tools.StorageTool format'
    f' --cluster-id {_CLUSTER} --config "$2" && exec java -Xmx512m'
    ' -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -cp "$0/*" kafka.Kafka "$2"'
)
_HEAD = struct.Struct("!hhih")
"""Of a request: its number, its version, an id, and no name of the client."""
_NONE, _EXISTS = 0, 36
"""Error codes of Kafka."""
_CREATE_TOPICS = _HEAD.pack(19, 2, 1, -1)


def find_or_fetch(report: Report) -> Path:
    """Return the folder with Kafka's jars, fetched once. Raises SetupError that says what to do."""
    if not at_least(version_of(Path("java"), "-version"), OLDEST_JAVA):
        raise SetupError(
            "Kafka needs Java 17 or newer. On Debian: apt-get install default-jre-headless"
        )
    folder = cache_dir() / f"kafka-{VERSION}"
    if folder.is_dir():
        return folder
    if (maven := shutil.which("mvn")) is None:
        raise SetupError("Kafka comes from Maven. On Debian: apt-get install maven")
    with only_one(folder.name, report):
        if not folder.is_dir():
            work = cache_dir() / f"build-kafka-{VERSION}"
            work.mkdir(exist_ok=True)
            (work / "pom.xml").write_text(_POM)
            command = (maven, "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=jars")
            run(command, "fetching Kafka from Maven", work / "fetch.log", report, cwd=work)
            (work / "jars").rename(folder)
            shutil.rmtree(work)
    return folder


def command(jars: Path, data: Path, properties: Path) -> tuple[str, ...]:
    """Return the command that formats `data`, if it is empty, and runs the node."""
    return ("sh", "-c", _FORMAT_AND_RUN, str(jars), str(data), str(properties))


def address(settings: StackSettings) -> str:
    """Return what a client connects to."""
    return f"{LOOPBACK}:{settings.kafka_port}"


def write_properties(settings: StackSettings, data: Path) -> None:
    """Write the node's configuration."""
    controller = f"{LOOPBACK}:{settings.kafka_controller_port}"
    of_the_node = {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.voters": f"1@{controller}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://{address(settings)},CONTROLLER://{controller}",
        "log.dirs": data,
        "num.partitions": 1,
        "message.max.bytes": LARGEST_BYTES,
        "offsets.topic.replication.factor": 1,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "group.initial.rebalance.delay.ms": 0,
        # As long as entries of Redis by default (USHER_STREAM_DAYS).
        "offsets.retention.minutes": 7 * 24 * 60,
        "log.retention.hours": 7 * 24,
    }
    lines = [f"{name}={value}\n" for name, value in of_the_node.items()]
    (settings.data_dir / FILE).write_text("".join(lines))


def is_ready(where: str, names: BrokerNames, seconds: float) -> bool:
    """Return whether the broker at `host:port` answers, and has the topics of `PARTITIONS`.

    It makes those that it lacks. A sidecar would make them with one partition each.
    """
    host, _, port = where.rpartition(":")
    request = _CREATE_TOPICS + _topics(names) + struct.pack("!i?", int(seconds * 1000), False)
    try:
        with socket.create_connection((host, int(port)), seconds) as caller:
            caller.settimeout(seconds)
            caller.sendall(struct.pack("!i", len(request)) + request)
            with caller.makefile("rb") as answer:
                (size,) = struct.unpack("!i", answer.read(4))
                return _errors(answer.read(size)) <= {_NONE, _EXISTS}
    except (OSError, struct.error):
        return False


def _topics(names: BrokerNames) -> bytes:
    """Return the topics as CreateTopics has them: name, partitions, one replica, no settings."""
    found = struct.pack("!i", len(PARTITIONS))
    for topic, partitions in PARTITIONS.items():
        name = names.topic(topic).encode()
        found += struct.pack("!h", len(name)) + name + struct.pack("!ihii", partitions, 1, 0, 0)
    return found


def _errors(answer: bytes) -> set[int]:
    """Return the error codes of an answer to CreateTopics: an id, a time, then each topic."""
    _, _, count = struct.unpack_from("!iii", answer)
    at, found = 12, set()
    for _ in range(count):
        (length,) = struct.unpack_from("!h", answer, at)
        code, said = struct.unpack_from("!hh", answer, at + 2 + length)
        found.add(code)
        at += 6 + length + max(said, 0)
    return found
