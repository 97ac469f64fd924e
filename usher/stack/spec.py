"""What a process of the embedded stack is made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class ProcessSpec:
    """One process of the stack. Its output goes to its log. If it dies, it is restarted."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    """Variables added to the caller's environment."""
    secrets: tuple[str, ...] = ()
    """The variables with the secrets of the stack that it gets."""
    tier: int = 0
    """Processes of a tier start when all of the tier before are ready."""
    ready: str | None = None
    """Ready when `http://…` answers 2xx, `redis://…` answers PING, `kafka://…` answers a client, or
    the Postgres whose socket is in the folder of `postgres://…` takes connections. None: ready once
    it runs."""
    ports: tuple[str, ...] = ()
    """The ports that it listens on, as fields of `StackSettings`."""
    stop_seconds: int = 10
    """How long it may take to end on `stop_signal` before it is killed."""
    stop_signal: str = "TERM"


@dataclass(frozen=True)
class Binaries:
    """The programs that are not Python modules."""

    redis_server: Path
    daprd: Path
    placement: Path
    scheduler: Path
    postgres: Path = Path()
    """The folder with its programs, where it holds the state."""
    kafka: Path = Path()
    """The folder with its jars, where it is the broker."""


def flags_of(flags: Mapping[str, object]) -> list[str]:
    """Return the words of a command line: `--name value` for each."""
    return [word for name, value in flags.items() for word in (f"--{name}", str(value))]
