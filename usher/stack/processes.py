"""The processes of the embedded stack, in order, made from its settings and binaries."""

import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from contracts.services import Service
from usher.stack.secrets import APP_TOKEN, REDIS_PASSWORD, SIDECAR_TOKEN
from usher.stack.servers import data_dirs, servers
from usher.stack.settings import LOOPBACK, PORTS, StackSettings
from usher.stack.sidecar_env import server_env, sidecar_env
from usher.stack.spec import Binaries, ProcessSpec, flags_of

_SECRETS: Mapping[Service, tuple[str, ...]] = {
    "starter": (),
    "orchestrator": (SIDECAR_TOKEN, APP_TOKEN),
    "notifier": (SIDECAR_TOKEN, APP_TOKEN, REDIS_PASSWORD),
}


def processes(settings: StackSettings, binaries: Binaries) -> list[ProcessSpec]:
    """Return the processes in the order of their start. They stop in reverse, callers first."""
    replicas = [(n, settings.replica(n)) for n in range(1, settings.replicas + 1)]
    return [
        *servers(settings, binaries),
        _placement(settings, binaries),
        _scheduler(settings, binaries),
        _sidecar(settings, binaries, "starter"),
        *(_numbered(n, _sidecar(own, binaries, "orchestrator")) for n, own in replicas),
        _sidecar(settings, binaries, "notifier"),
        _service(
            settings,
            "notifier",
            NOTIFIER_TOPIC_PORT=settings.notifier_topic_port,
            NOTIFIER_STARTER_URL=settings.url("starter"),
            NOTIFIER_ORCHESTRATOR_URL=settings.url("orchestrator"),
            USHER_TOPIC_PREFIX=settings.topic_prefix,
            USHER_BROKER=settings.broker,
            USHER_STATE=settings.state,
            **server_env(settings),
        ),
        *(_numbered(n, _orchestrator(own, n)) for n, own in replicas),
        _service(settings, "starter", STARTER_ORCHESTRATOR_URL=settings.url("orchestrator")),
    ]


def _numbered(n: int, spec: ProcessSpec) -> ProcessSpec:
    """Return the spec of the n-th replica: its own name, and no ports that are settings."""
    name = spec.name.replace("orchestrator", f"orchestrator-{n}")
    return replace(spec, name=name, ports=()) if n > 1 else spec


def _placement(settings: StackSettings, binaries: Binaries) -> ProcessSpec:
    flags = _control_plane_flags(settings, "placement") | {
        "initial-cluster": f"dapr-placement-0={LOOPBACK}:{settings.placement_raft_port}",
    }
    return ProcessSpec(
        name="placement",
        argv=(str(binaries.placement), *flags_of(flags)),
        tier=1,
        ready=f"http://{LOOPBACK}:{settings.placement_health_port}/healthz",
        ports=_ports("placement"),
    )


def _scheduler(settings: StackSettings, binaries: Binaries) -> ProcessSpec:
    peer = f"http://{LOOPBACK}:{settings.scheduler_etcd_peer_port}"
    flags = _control_plane_flags(settings, "scheduler") | {
        "etcd-data-dir": data_dirs(settings)["scheduler"],
        "etcd-client-listen-address": LOOPBACK,
        "etcd-client-port": settings.scheduler_etcd_client_port,
        "etcd-initial-cluster": f"dapr-scheduler-server-0={peer}",
        # By default etcd holds a million revisions and 100,000 log entries in memory.
        "etcd-compaction-mode": "revision",
        "etcd-compaction-retention": 10_000,
        "etcd-snapshot-count": 10_000,
    }
    return ProcessSpec(
        name="scheduler",
        argv=(str(binaries.scheduler), *flags_of(flags)),
        # Fewer cores save a fifth of its CPU on a machine of two cores that it shares.
        env={"GOMAXPROCS": str(max(1, (os.cpu_count() or 1) // 2))},
        tier=1,
        ready=f"http://{LOOPBACK}:{settings.scheduler_health_port}/healthz",
        ports=_ports("scheduler"),
    )


def _control_plane_flags(
    settings: StackSettings, name: Literal["placement", "scheduler"]
) -> dict[str, object]:
    return {
        "listen-address": LOOPBACK,
        "port": getattr(settings, f"{name}_port"),
        "healthz-listen-address": LOOPBACK,  # 1.18.2 ignores it and listens everywhere
        "healthz-port": getattr(settings, f"{name}_health_port"),
        "metrics-listen-address": LOOPBACK,
        "metrics-port": getattr(settings, f"{name}_metrics_port"),
    }


def _sidecar(settings: StackSettings, binaries: Binaries, app: Service) -> ProcessSpec:
    topic_port = getattr(settings, f"{app}_topic_port", None)  # the starter subscribes to no topic
    http_port = getattr(settings, f"{app}_dapr_http_port")
    configuration = settings.components_dir / f"configuration-{app}.yaml"
    # `dapr publish` reads `--app-id starter` and `--dapr-http-port 3500` off the command line.
    flags: dict[str, object] = {
        "app-id": app,
        "dapr-http-port": http_port,
        "dapr-grpc-port": getattr(settings, f"{app}_dapr_grpc_port"),
        "dapr-listen-addresses": LOOPBACK,
        "dapr-internal-grpc-port": getattr(settings, f"{app}_dapr_internal_port"),
        "dapr-internal-grpc-listen-address": LOOPBACK,
        "metrics-port": getattr(settings, f"{app}_dapr_metrics_port"),
        "metrics-listen-address": LOOPBACK,
        "placement-host-address": f"{LOOPBACK}:{settings.placement_port}",
        "scheduler-host-address": f"{LOOPBACK}:{settings.scheduler_port}",
        "resources-path": settings.components_dir,
        "log-level": "info",
    }
    if configuration.is_file():
        flags |= {"config": configuration}
    switches: tuple[str, ...] = ()
    if topic_port is not None:
        switches = ("--enable-app-health-check",)
        flags |= {
            "app-protocol": "grpc",
            "app-port": topic_port,
            "app-channel-address": LOOPBACK,
            "app-health-probe-interval": 2,  # seconds; must be longer than the timeout
            "app-health-probe-timeout": 1500,  # milliseconds; the default of 500 fails under load
            "app-health-threshold": 1_000_000,  # daprd never gives up: decision 0002
            # A dead letter holds its event, so it is larger. Starter's sidecar keeps the default
            # of 4Mi, and refuses larger events before they are accepted.
            "max-body-size": "16Mi",
        }
    return ProcessSpec(
        name=f"{app}-daprd",
        argv=(str(binaries.daprd), *flags_of(flags), *switches),
        env=sidecar_env(settings),
        # `dapr publish` sends no token, so starter's sidecar requires none.
        secrets=(REDIS_PASSWORD, *(() if app == "starter" else (SIDECAR_TOKEN, APP_TOKEN))),
        tier=2,
        # /v1.0/healthz would wait for the service, which waits for its sidecar.
        ready=f"http://{LOOPBACK}:{http_port}/v1.0/healthz/outbound",
        ports=_ports(f"{app}_dapr"),
    )


def _orchestrator(settings: StackSettings, n: int) -> ProcessSpec:
    return _service(
        settings,
        "orchestrator",
        ORCHESTRATOR_REPLICA=n - 1,
        ORCHESTRATOR_TOPIC_PORT=settings.orchestrator_topic_port,
        **settings.served,
    )


def _service(settings: StackSettings, name: Service, **env: object) -> ProcessSpec:
    own = {
        f"{name.upper()}_HOST": settings.host,
        f"{name.upper()}_PORT": getattr(settings, f"{name}_port"),
        "DAPR_RUNTIME_HOST": LOOPBACK,
        "DAPR_HTTP_PORT": getattr(settings, f"{name}_dapr_http_port"),
        "DAPR_GRPC_PORT": getattr(settings, f"{name}_dapr_grpc_port"),
        # They print into a pipe, but people read it in the terminal of `usher up` or `usher logs`.
        "USHER_LOG_FORMAT": "console" if settings.log_format == "auto" else settings.log_format,
        "PYTHONUNBUFFERED": 1,
    }
    if settings.otlp_endpoint:
        own |= {"OTEL_EXPORTER_OTLP_ENDPOINT": settings.otlp_endpoint}
    return ProcessSpec(
        name=name,
        argv=(sys.executable, "-m", name),
        env={key: str(value) for key, value in (own | env).items()},
        secrets=_SECRETS[name],
        tier=3,
        ready=f"{settings.url(name)}/readyz",
        ports=tuple(p for p in (f"{name}_port", f"{name}_topic_port") if p in PORTS),
        stop_seconds=30,  # the orchestrator finishes the deliveries in hand
    )


def _ports(prefix: str) -> tuple[str, ...]:
    return tuple(n for n in PORTS if n.startswith(f"{prefix}_"))
