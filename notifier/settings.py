"""Settings of the notifier, from the environment."""

from typing import Annotated, Literal

from pydantic import AliasChoices, BeforeValidator, Field
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from chassis.origin import listed, own_names


class Settings(BaseSettings):
    """Each is read from `NOTIFIER_<NAME>`, unless another variable is named here."""

    model_config = SettingsConfigDict(env_prefix="NOTIFIER_", populate_by_name=True)

    host: str = "127.0.0.1"
    port: int = 8082
    topic_port: int = 18082
    """Where the sidecar delivers topics, gRPC."""
    dapr_host: str = Field("127.0.0.1", validation_alias="DAPR_RUNTIME_HOST")
    dapr_http_port: int = Field(3502, validation_alias="DAPR_HTTP_PORT")
    dapr_api_token: str = Field("", validation_alias="DAPR_API_TOKEN")
    """Shown to the sidecar, where it wants one."""
    app_api_token: str = Field("", validation_alias="APP_API_TOKEN")
    """Shown by the sidecar; where set, whoever delivers without it is refused."""
    redis_url: str = "redis://127.0.0.1:16379/0"
    redis_password: str = Field("", validation_alias="USHER_REDIS_PASSWORD", repr=False)
    starter_url: str = "http://127.0.0.1:8080"
    """Who publishes what the page asks for."""
    orchestrator_url: str = "http://127.0.0.1:8081"
    """Who is asked about workflows and instances."""
    hosts: Annotated[tuple[str, ...], NoDecode, BeforeValidator(listed)] = Field(
        (), validation_alias="USHER_HOSTS"
    )
    """Names under which it is reached, separated by commas, as `usher.example.com` or
    `*.example.com`: beside `localhost`, this machine's name, and IP addresses. Under any other,
    every request is refused."""
    keep: int = Field(10_000, ge=1)
    """How many notices, and how many dead letters, are kept; the oldest go first."""
    max_streams: int = Field(100, ge=1)
    """How many may follow `/stream` at once; each holds a connection to Redis."""
    stream_days: float = Field(7, gt=0, validation_alias="USHER_STREAM_DAYS")
    """How long an entry stays on its stream after every group has acknowledged it."""
    trim_seconds: float = Field(60, gt=0)
    """How often the streams are trimmed."""
    look_seconds: float = Field(30, gt=0)
    """How often instances are counted that wait while their event lies aside."""
    log_format: Literal["auto", "console", "json"] = Field(
        "auto", validation_alias="USHER_LOG_FORMAT"
    )
    otlp_endpoint: str = Field(
        "",
        validation_alias=AliasChoices(
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"
        ),
    )
    """Where spans are sent to, OTLP over HTTP; nothing is traced where it is empty."""
    handler_threads: int = 136
    """Topic deliveries handled at once: more than come at once, so that the probe is never late."""
    drain_seconds: float = 10
    """How long a stop waits for the deliveries it holds."""

    @property
    def names(self) -> frozenset[str]:
        """The names under which it is reached."""
        return own_names(self.hosts, self.host)

    @property
    def sidecar_url(self) -> str:
        return f"http://{self.dapr_host}:{self.dapr_http_port}"
