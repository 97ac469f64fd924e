"""Settings of the notifier, from the environment."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from chassis.settings import SubscriberSettings


class Settings(SubscriberSettings):
    """Each is read from `NOTIFIER_<NAME>`, unless another variable is named."""

    model_config = SettingsConfigDict(env_prefix="NOTIFIER_")

    port: int = 8082
    topic_port: int = 18082
    dapr_http_port: int = Field(3502, validation_alias="DAPR_HTTP_PORT")
    redis_url: str = "redis://127.0.0.1:16379/0"
    redis_password: str = Field("", validation_alias="USHER_REDIS_PASSWORD", repr=False)
    starter_url: str = "http://127.0.0.1:8080"
    """Who publishes what the page asks for."""
    orchestrator_url: str = "http://127.0.0.1:8081"
    """Who is asked about workflows and instances."""
    keep: int = Field(10_000, ge=1)
    """How many notices, and how many dead letters, are kept; the oldest go first."""
    max_streams: int = Field(100, ge=1)
    """How many may follow `/stream` at once; each holds a connection to Redis."""
    trim_seconds: float = Field(60, gt=0)
    """How often the streams are trimmed."""
    look_seconds: float = Field(30, gt=0)
    """How often instances are counted that wait while their event lies aside."""
    drain_seconds: float = 10
    """How long a stop waits for the deliveries it holds."""
