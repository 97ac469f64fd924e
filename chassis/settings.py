"""Base settings of all services, from the environment. Each service adds its own."""

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
    """Token sent to the sidecar. The starter's sidecar requires none, for `dapr publish`."""
    hosts: Annotated[tuple[str, ...], NoDecode, BeforeValidator(listed)] = Field(
        (), validation_alias="USHER_HOSTS"
    )
    """More host names of the service, separated by commas, such as `usher.example.com` or
    `*.example.com`. `localhost`, this machine's name and IP addresses are always allowed. Requests
    to any other name are refused."""
    log_format: Literal["auto", "console", "json"] = Field(
        "auto", validation_alias="USHER_LOG_FORMAT"
    )
    otlp_endpoint: str = Field(
        "",
        validation_alias=AliasChoices(
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"
        ),
    )
    """Where spans are sent, by OTLP over HTTP. Nothing is traced if it is empty."""

    @property
    def names(self) -> frozenset[str]:
        """The host names of the service."""
        return own_names(self.hosts, self.host)

    @property
    def sidecar_url(self) -> str:
        return f"http://{self.dapr_host}:{self.dapr_http_port}"


class SubscriberSettings(ServiceSettings):
    """Settings of a service that subscribes to topics."""

    topic_port: int
    """Port of the topic server, gRPC."""
    app_api_token: str = Field("", validation_alias="APP_API_TOKEN", repr=False)
    """Token that the sidecar sends. If set, deliveries without it are refused."""
    stream_days: float = Field(7, gt=0, validation_alias="USHER_STREAM_DAYS")
    """How long an entry stays on its stream after every group has acknowledged it."""
