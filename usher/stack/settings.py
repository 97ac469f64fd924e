"""The settings of the embedded stack: ports, folders and options, each `USHER_<NAME>`."""

import os
from collections import defaultdict
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, AliasChoices, BeforeValidator, Field, model_validator
from pydantic_settings import NoDecode, SettingsConfigDict

import usher
from chassis.redis_settings import RedisAddress, RedisSettings
from contracts.brokers import BrokerNames, TopicPrefix
from contracts.services import Service

# Only the HTTP of the three services follows `host`. Everything else listens on loopback.
LOOPBACK = "127.0.0.1"

_PACKAGE = Path(usher.__file__).resolve().parent
_CHECKOUT = _PACKAGE.parent


def _in_checkout() -> bool:
    return (_CHECKOUT / "pyproject.toml").is_file() and (_CHECKOUT / "components").is_dir()


def _default_data_dir() -> Path:
    if _in_checkout():
        return _CHECKOUT / "build" / "stack"
    state = os.environ.get("XDG_STATE_HOME")
    return (Path(state) if state else Path.home() / ".local" / "state") / "usher" / "stack"


def _default_components_dir() -> Path:
    return _CHECKOUT / "components" if _in_checkout() else _PACKAGE / "components"


def _canonical(path: Path) -> Path:
    return path.expanduser().resolve()  # one spelling, because data_dir identifies the processes


def _split(value: object) -> object:
    return [part for part in value.split(os.pathsep) if part] if isinstance(value, str) else value


Port = Annotated[int, Field(ge=1, le=65535)]
Location = Annotated[Path, AfterValidator(_canonical)]
Locations = Annotated[tuple[Location, ...], NoDecode, BeforeValidator(_split)]


class StackSettings(RedisSettings):
    """The stack's settings, from the environment: `USHER_STARTER_PORT=8090`, `USHER_DATA_DIR=…`.

    Fields that end in `_port` are TCP ports. Their description says what listens there. A port used
    twice is a `ValidationError`. Relative paths start at the working folder.
    """

    model_config = SettingsConfigDict(
        env_prefix="USHER_", frozen=True, extra="ignore", populate_by_name=True
    )

    host: str = Field(LOOPBACK, description="where the three services' HTTP listens")
    data_dir: Location = Field(
        default_factory=_default_data_dir,
        description="data and logs: `build/stack` in a checkout, else in the user's state folder",
    )
    dapr_dir: Location | None = Field(None, description="folder with daprd, placement, scheduler")
    redis_server: Location | None = Field(None, description="the redis-server to run")
    components_dir: Location = Field(
        default_factory=_default_components_dir, description="Dapr component files"
    )
    workflows: Locations = Field(
        (), description="folders with workflow files; without any, the samples are served"
    )
    samples: bool = Field(False, description="serve the samples beside those of the folders")
    routes: Locations = Field((), description="files of routes, beside those in the folders")
    log_format: Literal["auto", "console", "json"] = "auto"
    otlp_endpoint: str = Field(
        "",
        validation_alias=AliasChoices(
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"
        ),
        description="where spans go, OTLP over HTTP, e.g. `http://127.0.0.1:4318`; empty: nowhere",
    )
    broker: Literal["redis", "kafka"] = Field("redis", description="what carries the topics")
    state: Literal["redis", "postgres"] = Field(
        "redis", description="what holds the engine's state, the ledger and the notifier's records"
    )
    topic_prefix: TopicPrefix = Field(
        "", description="what topics and groups begin with on a broker that other stacks share"
    )
    replicas: int = Field(1, ge=1, le=4, description="orchestrators, each beside its own sidecar")

    starter_port: Port = Field(8080, description="starter's HTTP")
    orchestrator_port: Port = Field(8081, description="orchestrator's HTTP")
    notifier_port: Port = Field(8082, description="notifier's HTTP")
    orchestrator_topic_port: Port = Field(18081, description="orchestrator's topic server")
    notifier_topic_port: Port = Field(18082, description="notifier's topic server")

    starter_dapr_http_port: Port = Field(3500, description="HTTP of starter's sidecar")
    orchestrator_dapr_http_port: Port = Field(3501, description="HTTP of orchestrator's sidecar")
    notifier_dapr_http_port: Port = Field(3502, description="HTTP of notifier's sidecar")
    starter_dapr_grpc_port: Port = Field(13500, description="gRPC of starter's sidecar")
    orchestrator_dapr_grpc_port: Port = Field(13501, description="gRPC of orchestrator's sidecar")
    notifier_dapr_grpc_port: Port = Field(13502, description="gRPC of notifier's sidecar")
    starter_dapr_internal_port: Port = Field(23500, description="sidecar to starter's sidecar")
    orchestrator_dapr_internal_port: Port = Field(
        23501, description="sidecar to orchestrator's sidecar"
    )
    notifier_dapr_internal_port: Port = Field(23502, description="sidecar to notifier's sidecar")
    starter_dapr_metrics_port: Port = Field(19500, description="metrics of starter's sidecar")
    orchestrator_dapr_metrics_port: Port = Field(
        19501, description="metrics of orchestrator's sidecar"
    )
    notifier_dapr_metrics_port: Port = Field(19502, description="metrics of notifier's sidecar")

    placement_port: Port = Field(15005, description="placement")
    placement_health_port: Port = Field(15105, description="health of placement")
    placement_metrics_port: Port = Field(15205, description="metrics of placement")
    placement_raft_port: Port = Field(15305, description="raft of placement")
    scheduler_port: Port = Field(15006, description="scheduler")
    scheduler_health_port: Port = Field(15106, description="health of scheduler")
    scheduler_metrics_port: Port = Field(15206, description="metrics of scheduler")
    scheduler_etcd_client_port: Port = Field(12379, description="etcd clients of scheduler")
    scheduler_etcd_peer_port: Port = Field(12380, description="etcd peers of scheduler")
    redis_port: Port = Field(16379, description="Redis")
    kafka_port: Port = Field(19092, description="Kafka")
    kafka_controller_port: Port = Field(19093, description="controller of Kafka")

    @model_validator(mode="after")
    def _no_port_twice(self) -> Self:
        users = defaultdict(list)
        for name, port in self.ports().items():
            users[port].append(variable(name))
        clashes = [f"{port}: {' and '.join(names)}" for port, names in users.items() if names[1:]]
        if clashes:
            raise ValueError(f"a port is used twice: {'; '.join(clashes)}")
        return self

    @property
    def own_redis(self) -> bool:
        """Whether the stack runs a Redis: where one is needed, and no other one is named."""
        return self.needs_redis and self.redis is None

    @property
    def redis_in_use(self) -> RedisAddress:
        """The Redis that is named, or the stack's own, without its password."""
        return self.redis or RedisAddress(LOOPBACK, self.redis_port)

    @property
    def needs_redis(self) -> bool:
        """Whether anything is in Redis: the topics, or state, ledger and the notifier's records."""
        return "redis" in (self.broker, self.state)

    @property
    def has_default_components(self) -> bool:
        """Whether the component files are Usher's. Those of the user's own stay as they are."""
        return self.components_dir == _default_components_dir()

    @property
    def component_folders(self) -> tuple[Path, ...]:
        """The folders of component files; a file replaces the one of its name in those before."""
        if not self.has_default_components:
            return (self.components_dir,)
        others = [name for name in (self.broker, self.state) if name != "redis"]
        sets = self.components_dir.with_name("component-sets")
        return (self.components_dir, *(sets / name for name in others))

    @property
    def names(self) -> BrokerNames:
        """The names of topics and groups on the broker."""
        return BrokerNames(self.topic_prefix)

    @property
    def served(self) -> dict[str, str]:
        """The orchestrator's settings that say which workflows and routes it serves."""
        return {
            "USHER_WORKFLOWS": os.pathsep.join(map(str, self.workflows)),
            "USHER_ROUTES": os.pathsep.join(map(str, self.routes)),
            "USHER_SAMPLES": str(int(self.samples)),
        }

    def ports(self) -> dict[str, int]:
        """Return every port by its field name."""
        return {name: getattr(self, name) for name in PORTS}

    def shifted(self, by: int) -> "StackSettings":
        """Return the same settings with `by` added to every port, for a second stack.

        50 and 1000 work. With 100, one stack's placement would get the port of the other's health.
        """
        return StackSettings.model_validate(
            self.model_dump() | {name: port + by for name, port in self.ports().items()}
        )

    def replica(self, number: int) -> "StackSettings":
        """Return the settings of the orchestrator with this number. The first one has these.

        Each further one listens 10 ports above the one before.
        """
        own = [name for name in PORTS if name.startswith("orchestrator_")]
        above = 10 * (number - 1)
        return self.model_copy(update={name: getattr(self, name) + above for name in own})

    def url(self, service: Service) -> str:
        """Return the URL of a service on this machine: `http://127.0.0.1:8080`."""
        host = LOOPBACK if self.host in ("0.0.0.0", "::", "") else self.host
        return f"http://{host}:{getattr(self, f'{service}_port')}"

    def places(self) -> dict[str, str]:
        """Return the URLs and the folder where people can look at the stack."""
        return {
            "live page": self.url("notifier"),
            "publish": f"{self.url('starter')}/docs",
            "workflows": f"{self.url('orchestrator')}/workflows",
            "notices": f"{self.url('notifier')}/notices",
            "dead letters": f"{self.url('notifier')}/dead-letters",
            "data and logs": str(self.data_dir),
        }


PORTS = tuple(name for name in StackSettings.model_fields if name.endswith("_port"))


def variable(field: str) -> str:
    """Return the environment variable of a setting: `USHER_STARTER_PORT` for `starter_port`."""
    return f"USHER_{field.upper()}"


def purpose(field: str) -> str:
    """Return the purpose of a setting: `Redis` for `redis_port`."""
    return StackSettings.model_fields[field].description or field
