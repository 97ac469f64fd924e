"""What runs for a peer: Redis as for the others, its own server, a worker, a notifier."""

import os
from pathlib import Path

from bench.peers.tools import Tools
from usher.stack.servers import data_dirs
from usher.stack.settings import LOOPBACK, StackSettings
from usher.stack.spec import ProcessSpec

_ROOT = Path(__file__).parents[2]
_CREATE_AND_RUN = (
    'test -s "$1/PG_VERSION" || "$0/initdb" --pgdata "$1" --username usher --auth trust'
    ' --encoding UTF8 --no-instructions && exec "$0/postgres" -D "$1" -h "$2" -p "$3" -k ""'
)


def peer_specs(
    peer: str, settings: StackSettings, redis: ProcessSpec, tools: Tools
) -> list[ProcessSpec]:
    """Return the processes of a peer in the order of their start.

    Its server keeps its data where the scheduler keeps its own, so a fresh start empties them, and
    listens on ports of the parts that it stands in for.
    """
    servers = {"dbos": _postgres, "restate": _restate}
    postgres = f"{LOOPBACK}:{settings.scheduler_etcd_client_port}"
    folder = data_dirs(settings)["scheduler"]
    databases = {
        "dbos": f"postgresql+psycopg://usher@{postgres}/bench",
        "dbos-sqlite": f"sqlite:///{folder}/bench.sqlite",
    }
    shared = {
        "PEER_REDIS_URL": f"redis://{LOOPBACK}:{settings.redis_port}/0",
        "PEER_DATABASE": databases.get(peer, ""),
        "PEER_INGRESS_PORT": str(settings.orchestrator_dapr_http_port),
        "PEER_ADMIN_PORT": str(settings.orchestrator_dapr_metrics_port),
        "PEER_PORT": str(settings.orchestrator_port),
        "PYTHONPATH": str(_ROOT),
        "PYTHONUNBUFFERED": "1",
        "NO_PROXY": LOOPBACK,
    }
    return [
        redis,
        *([servers[peer](settings, tools)] if peer in servers else []),
        ProcessSpec(
            "notifier", (str(tools.python), "-m", "bench.peers.notifier"), env=shared, tier=2
        ),
        ProcessSpec(
            "worker",
            (str(tools.python), "-m", f"bench.peers.on_{peer.partition('-')[0]}"),
            env=shared,
            tier=3,
            ports=("orchestrator_port",),
        ),
    ]


def _postgres(settings: StackSettings, tools: Tools) -> ProcessSpec:
    """Postgres as `initdb` leaves it: fsync, and synchronous_commit on."""
    assert tools.postgres
    data, port = data_dirs(settings)["scheduler"] / "postgres", settings.scheduler_etcd_client_port
    words: tuple[str, ...] = (
        "sh",
        "-c",
        _CREATE_AND_RUN,
        str(tools.postgres),
        str(data),
        LOOPBACK,
        str(port),
    )
    if os.getuid() == 0:  # as whom Postgres does not run: in a user namespace it is somebody else
        words = ("unshare", "--user", "--map-user=65534", "--map-group=65534", *words)
    return ProcessSpec("postgres", words, tier=1, ports=("scheduler_etcd_client_port",))


def _restate(settings: StackSettings, tools: Tools) -> ProcessSpec:
    """Restate as it comes: one node, its log written with fsync."""
    ingress = f"{LOOPBACK}:{settings.orchestrator_dapr_http_port}"
    env = {
        "RESTATE_INGRESS__BIND_ADDRESS": ingress,
        "RESTATE_ADMIN__BIND_ADDRESS": f"{LOOPBACK}:{settings.orchestrator_dapr_metrics_port}",
        "RESTATE_BIND_ADDRESS": f"{LOOPBACK}:{settings.orchestrator_dapr_internal_port}",
        "RESTATE_LISTEN_MODE": "tcp",
        "RESTATE_BASE_DIR": str(data_dirs(settings)["scheduler"] / "restate"),
        "RESTATE_NODE_NAME": "bench",
        "RESTATE_DISABLE_TELEMETRY": "true",
        "RESTATE_LOG_DISABLE_ANSI_CODES": "true",
    }
    return ProcessSpec(
        "restate",
        (str(tools.restate), "--no-logo"),
        env=env,
        tier=1,
        ready=f"http://{ingress}/restate/health",
        ports=(
            "orchestrator_dapr_http_port",
            "orchestrator_dapr_metrics_port",
            "orchestrator_dapr_internal_port",
        ),
    )
