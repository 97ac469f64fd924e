"""Settings of the notifier, from the environment."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from chassis.settings import SubscriberSettings
from contracts.brokers import TopicPrefix


class Settings(SubscriberSettings):
    """Settings of the notifier. The variable is `NOTIFIER_<NAME>`, unless another is named."""

    model_config = SettingsConfigDict(env_prefix="NOTIFIER_")

    port: int = 8082
    topic_port: int = 18082
    dapr_http_port: int = Field(3502, validation_alias="DAPR_HTTP_PORT")
    redis_url: str = "redis://127.0.0.1:16379/0"
    redis_password: str = Field("", validation_alias="USHER_REDIS_PASSWORD", repr=False)
    starter_url: str = "http://127.0.0.1:8080"
    """Address of the starter, which publishes for the page."""
    orchestrator_url: str = "http://127.0.0.1:8081"
    """Address of the orchestrator, which has workflows and instances."""
    topic_prefix: TopicPrefix = Field("", validation_alias="USHER_TOPIC_PREFIX")
    """What the names of topics begin with on the broker, which other stacks share."""
    keep: int = Field(10_000, ge=1)
    """How many notices, and how many dead letters, are kept: the newest."""
    max_streams: int = Field(100, ge=1)
    """How many readers may follow `/stream` at once. Each holds a connection to Redis."""
    trim_seconds: float = Field(60, gt=0)
    """Interval, in seconds, at which streams are trimmed."""
    look_seconds: float = Field(30, gt=0)
    """Interval, in seconds, at which blocked and stalled instances are counted."""
    drain_seconds: float = 10
    """How long, in seconds, a stop waits for running deliveries."""
