"""Settings of the starter, from the environment."""

from typing import Annotated, Any, Literal

from pydantic import AliasChoices, Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class Settings(BaseSettings):
    """Each is read from `STARTER_<NAME>`, unless another variable is named here."""

    model_config = SettingsConfigDict(env_prefix="STARTER_", populate_by_name=True)

    host: str = "127.0.0.1"
    port: int = 8080
    dapr_host: str = Field("127.0.0.1", validation_alias="DAPR_RUNTIME_HOST")
    dapr_http_port: int = Field(3500, validation_alias="DAPR_HTTP_PORT")
    orchestrator_url: str = "http://127.0.0.1:8081"
    """Who is asked for the status of an instance."""
    page_hosts: Annotated[tuple[str, ...], NoDecode] = ()
    """Host names, separated by commas, under which Swagger UI may publish: beside `localhost` and
    IP addresses, which no other site's name can stand for."""
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

    @field_validator("page_hosts", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return [h for h in value.split(",") if h] if isinstance(value, str) else value

    @property
    def sidecar_url(self) -> str:
        return f"http://{self.dapr_host}:{self.dapr_http_port}"
