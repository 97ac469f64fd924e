"""Settings of the notifier, from the environment."""

from typing import Literal, Self

from pydantic import Field, model_validator
from pydantic_settings import SettingsConfigDict

from chassis.redis_settings import RedisAddress, RedisSettings
from chassis.settings import SubscriberSettings
from contracts.brokers import TopicPrefix


class Settings(SubscriberSettings, RedisSettings):
    """Settings of the notifier. The variable is `NOTIFIER_<NAME>`, unless another is named."""

    model_config = SettingsConfigDict(env_prefix="NOTIFIER_")

    port: int = 8082
    topic_port: int = 18082
    dapr_http_port: int = Field(3502, validation_alias="DAPR_HTTP_PORT")
    broker: str = Field("redis", validation_alias="USHER_BROKER")
    """What carries the topics. Redis streams are trimmed; another broker trims its own topics."""
    state: Literal["redis", "postgres"] = Field("redis", validation_alias="USHER_STATE")
    """What keeps the records."""
    postgres: str = Field("", validation_alias="USHER_POSTGRES", repr=False)
    """Connection string of Postgres, for `postgres`. The password may be in `PGPASSWORD`."""
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

    @property
    def redis_address(self) -> RedisAddress:
        """The Redis that is named; by default, the embedded stack's."""
        return self.redis or RedisAddress("127.0.0.1", 16379, password=self.redis_password)

    @model_validator(mode="after")
    def _names_postgres(self) -> Self:
        if self.state == "postgres" and not self.postgres:
            raise ValueError("USHER_STATE is postgres, so USHER_POSTGRES must say where it is")
        return self
