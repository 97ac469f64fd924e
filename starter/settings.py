"""Settings of the starter, from the environment."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from chassis.settings import ServiceSettings


class Settings(ServiceSettings):
    """Settings of the starter. The variable is `STARTER_<NAME>`, unless another is named."""

    model_config = SettingsConfigDict(env_prefix="STARTER_")

    port: int = 8080
    dapr_http_port: int = Field(3500, validation_alias="DAPR_HTTP_PORT")
    orchestrator_url: str = "http://127.0.0.1:8081"
    """Address of the orchestrator, which has the status of instances."""
