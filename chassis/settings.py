"""What every service reads from the environment; `settings.py` of each adds its own."""

from typing import Annotated, Literal

from pydantic import AliasChoices, BeforeValidator, Field
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from chassis.origin import listed, own_names


class ServiceSettings(BaseSettings):
    """Where a service listens, where its sidecar is, and how it logs and traces."""

    model_config = SettingsConfigDict(populate_by_name=True)

    host: str = "127.0.0.1"
    port: int
    dapr_host: str = Field("127.0.0.1", validation_alias="DAPR_RUNTIME_HOST")
    dapr_http_port: int
    dapr_api_token: str = Field("", validation_alias="DAPR_API_TOKEN", repr=False)
    """Shown to the sidecar. The starter's sidecar wants none by default, for `dapr publish`."""
    hosts: Annotated[tuple[str, ...], NoDecode, BeforeValidator(listed)] = Field(
        (), validation_alias="USHER_HOSTS"
    )
    """Names under which the service is reached, separated by commas, as `usher.example.com` or
    `*.example.com`: beside `localhost`, this machine's name, and IP addresses. A request under any
    other name is refused."""
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

    @property
    def names(self) -> frozenset[str]:
        """The names under which the service is reached."""
        return own_names(self.hosts, self.host)

    @property
    def sidecar_url(self) -> str:
        return f"http://{self.dapr_host}:{self.dapr_http_port}"


class SubscriberSettings(ServiceSettings):
    """The same for a service that topics are delivered to."""

    topic_port: int
    """Where the sidecar delivers topics, gRPC."""
    app_api_token: str = Field("", validation_alias="APP_API_TOKEN", repr=False)
    """Shown by the sidecar; where set, a delivery without it is refused."""
    stream_days: float = Field(7, gt=0, validation_alias="USHER_STREAM_DAYS")
    """How long an entry stays on its stream after every group has acknowledged it."""
