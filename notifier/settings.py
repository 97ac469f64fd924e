"""Settings of the notifier, from the environment."""

from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Each is read from `NOTIFIER_<NAME>`, unless another variable is named here."""

    model_config = SettingsConfigDict(env_prefix="NOTIFIER_", populate_by_name=True)

    host: str = "127.0.0.1"
    port: int = 8082
    topic_port: int = 18082
    """Where the sidecar delivers topics, gRPC."""
    dapr_host: str = Field("127.0.0.1", validation_alias="DAPR_RUNTIME_HOST")
    dapr_http_port: int = Field(3502, validation_alias="DAPR_HTTP_PORT")
    redis_url: str = "redis://127.0.0.1:16379/0"
    keep: int = Field(10_000, ge=1)
    """How many notices, and how many dead letters, are kept; the oldest go first."""
    log_format: Literal["auto", "console", "json"] = Field(
        "auto", validation_alias="USHER_LOG_FORMAT"
    )
    handler_threads: int = 8
    """Topic deliveries handled at once."""
    drain_seconds: float = 10
    """How long a stop waits for the deliveries it holds."""

    @property
    def sidecar_url(self) -> str:
        return f"http://{self.dapr_host}:{self.dapr_http_port}"
