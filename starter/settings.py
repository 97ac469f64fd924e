"""Settings of the starter, from the environment."""

from typing import Annotated, Literal

from pydantic import AliasChoices, BeforeValidator, Field
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from chassis.origin import listed, own_names


class Settings(BaseSettings):
    """Each is read from `STARTER_<NAME>`, unless another variable is named here."""

    model_config = SettingsConfigDict(env_prefix="STARTER_", populate_by_name=True)

    host: str = "127.0.0.1"
    port: int = 8080
    dapr_host: str = Field("127.0.0.1", validation_alias="DAPR_RUNTIME_HOST")
    dapr_http_port: int = Field(3500, validation_alias="DAPR_HTTP_PORT")
    dapr_api_token: str = Field("", validation_alias="DAPR_API_TOKEN", repr=False)
    """Shown to the sidecar, where it wants one: by default it does not, for `dapr publish`."""
    orchestrator_url: str = "http://127.0.0.1:8081"
    """Who is asked for the status of an instance."""
    hosts: Annotated[tuple[str, ...], NoDecode, BeforeValidator(listed)] = Field(
        (), validation_alias="USHER_HOSTS"
    )
    """Names under which it is reached, separated by commas, as `usher.example.com` or
    `*.example.com`: beside `localhost`, this machine's name, and IP addresses. Under any other,
    every request is refused."""
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
        """The names under which it is reached."""
        return own_names(self.hosts, self.host)

    @property
    def sidecar_url(self) -> str:
        return f"http://{self.dapr_host}:{self.dapr_http_port}"
