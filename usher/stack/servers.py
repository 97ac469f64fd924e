"""The servers that hold topics and state: Redis, and what the settings name in its place."""

from pathlib import Path

from usher.stack import kafka, postgres
from usher.stack.secrets import REDIS_FILE
from usher.stack.settings import LOOPBACK, StackSettings
from usher.stack.spec import Binaries, ProcessSpec, flags_of


def servers(settings: StackSettings, binaries: Binaries) -> list[ProcessSpec]:
    """Return the servers in the order of their start."""
    found = [_redis(settings, binaries)] if settings.own_redis else []
    if settings.broker == "kafka":
        found.append(_kafka(settings, binaries))
    if settings.state == "postgres":
        found.append(_postgres(settings, binaries))
    return found


def data_dirs(settings: StackSettings) -> dict[str, Path]:
    """Return the folders with the data of processes. `--fresh` empties them."""
    names = dict.fromkeys((settings.broker, settings.state, "scheduler"))
    return {
        name: settings.data_dir / "data" / name
        for name in names
        if name != "redis" or settings.own_redis
    }


def _redis(settings: StackSettings, binaries: Binaries) -> ProcessSpec:
    flags = {
        "bind": LOOPBACK,
        "port": settings.redis_port,
        "dir": data_dirs(settings)["redis"],
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        # A process title overwrites the environment, by which `down` finds the stack's processes.
        "set-proc-title": "no",
        "include": settings.data_dir / REDIS_FILE,  # has the password
    }
    return ProcessSpec(
        name="redis",
        argv=(str(binaries.redis_server), *flags_of(flags)),
        ready=f"redis://{settings.redis_in_use.netloc}",
        ports=("redis_port",),
    )


def _postgres(settings: StackSettings, binaries: Binaries) -> ProcessSpec:
    sockets = postgres.socket_folder(settings.data_dir)
    return ProcessSpec(
        name="postgres",
        argv=postgres.command(binaries.postgres, data_dirs(settings)["postgres"], sockets),
        ready=f"postgres://{sockets}",
        stop_signal="INT",  # on TERM it waits for its clients
    )


def _kafka(settings: StackSettings, binaries: Binaries) -> ProcessSpec:
    data, properties = data_dirs(settings)["kafka"], settings.data_dir / kafka.FILE
    return ProcessSpec(
        name="kafka",
        argv=kafka.command(binaries.kafka, data, properties),
        ready=f"kafka://{kafka.address(settings)}/{settings.topic_prefix}",
        ports=("kafka_port", "kafka_controller_port"),
    )
