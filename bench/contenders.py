"""Who takes part: Usher, the plain wiring and the bare engine, each of the two as is and tuned, and
the peers, which are other engines."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

_DAPR = (
    "workflow state in the same Redis: a process that dies loses nothing, a power cut up to a"
    " second; timers and reminders in scheduler's etcd, fsync at each commit"
)
_POSTGRES = (
    "workflow state in Postgres, fsync at each commit (fsync and synchronous_commit on, the"
    " defaults): a power cut loses no step that was done"
)
_SQLITE = (
    "workflow state in a SQLite file, fsync at each commit (rollback journal, synchronous FULL, the"
    " defaults): a power cut loses no step that was done"
)
_RESTATE = (
    "workflow state in the server's own log and RocksDB, one node, fsync of the log (the default):"
    " a power cut loses no step that was done"
)


@dataclass(frozen=True)
class Contender:
    """One way from a request to a notice. All run the same three durable steps."""

    name: str
    says: str
    services: Literal["usher", "plain", "dbos", "dbos-sqlite", "restate"]
    """Whose orchestrator and notifier run on the stack."""
    ingress: Literal["topic", "engine", "stream"]
    """Where a request goes in: published on the topic, scheduled at the engine by a client, or
    added to the stream by a client of the broker."""
    tuned: bool
    """Whether it has every one-line setting that Usher has: components, sidecar, SDK."""
    levers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By process: environment variables, and options of its command line."""

    @property
    def on_dapr(self) -> bool:
        """Whether there are sidecars and a scheduler to ask; a peer has none."""
        return self.services in ("usher", "plain")

    @property
    def stores(self) -> str:
        """What is kept where, and what survives a power cut."""
        peers = {"dbos": _POSTGRES, "dbos-sqlite": _SQLITE, "restate": _RESTATE}
        engine = peers.get(self.services, _DAPR)
        return f"broker in Redis, AOF with fsync every second; {engine}"

    @property
    def delivery(self) -> str:
        """What is promised when a process dies on the way."""
        if self.services == "usher":
            return "kept until served; starts once; the end is told once"
        if self.ingress == "stream":
            return "kept until served; starts once per id; the end is told if reached"
        if self.ingress == "engine":
            return "the client must try again, and may start twice; the end is told if reached"
        retried = "kept until served" if self.tuned else "lost where the handler raises"
        return f"{retried}; may start twice; the end is told if reached"


PLAIN = "plain"
"""The contender that all others are measured against."""

ALL = (
    Contender(
        PLAIN,
        "gRPC subscription → schedule → 2 activities + 1 that publishes → notifier that prints;"
        " the quickstarts' components, the SDK's defaults",
        services="plain",
        ingress="topic",
        tuned=False,
    ),
    Contender(
        "usher",
        "orchestrator and notifier as shipped: → 2 activities + the announcement",
        services="usher",
        ingress="topic",
        tuned=True,
    ),
    Contender(
        "plain-tuned",
        "plain on Usher's components and sidecars, with Usher's SDK settings",
        services="plain",
        ingress="topic",
        tuned=True,
    ),
    Contender(
        "bare",
        "the workflow of plain, scheduled at its sidecar by a client with 16 threads",
        services="plain",
        ingress="engine",
        tuned=False,
    ),
    Contender(
        "bare-tuned",
        "bare with the settings of plain-tuned",
        services="plain",
        ingress="engine",
        tuned=True,
    ),
)

PEERS = (
    Contender(
        "dbos",
        "DBOS Transact on Postgres: stream → worker → 2 steps + 1 that publishes → notifier that"
        " prints; its defaults",
        services="dbos",
        ingress="stream",
        tuned=False,
    ),
    Contender(
        "dbos-sqlite",
        "the same on SQLite, DBOS's default: no server",
        services="dbos-sqlite",
        ingress="stream",
        tuned=False,
    ),
    Contender(
        "restate",
        "Restate, one node: stream → worker → server → worker's 2 steps + 1 that publishes →"
        " notifier that prints; its defaults",
        services="restate",
        ingress="stream",
        tuned=False,
    ),
)
"""Take part where they are named: they have more to install."""


def chosen(names: Iterable[str]) -> list[Contender]:
    """Return these contenders, in their own order; ALL where no name is given."""
    wanted = list(names)
    known = {contender.name for contender in (*ALL, *PEERS)}
    if unknown := sorted(set(wanted) - known):
        raise ValueError(f"no contender is named {', '.join(unknown)}: {', '.join(sorted(known))}")
    return [one for one in (*ALL, *PEERS) if one.name in wanted] if wanted else list(ALL)


def with_lever(contender: Contender, lever: str) -> Contender:
    """Return a contender beside `contender` with a setting more: `process:VARIABLE=value`, or
    `process:--option=value`; several are joined by commas.
    """
    levers = {name: dict(settings) for name, settings in contender.levers.items()}
    for one in lever.split(","):
        process, colon, rest = one.partition(":")
        variable, equals, value = rest.partition("=")
        if not (process and colon and variable and equals):
            raise ValueError(f"a lever is process:VARIABLE=value, not {one!r}")
        levers.setdefault(process, {})[variable] = value
    return replace(contender, name=f"{contender.name}+{lever}", levers=levers)
