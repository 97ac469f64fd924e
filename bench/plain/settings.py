"""Settings of the plain wiring, from the environment `PLAIN_<NAME>`; untuned unless one is set."""

from typing import Any

from dapr.ext.workflow.logger import LoggerOptions
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """None leaves a setting to the SDK."""

    model_config = SettingsConfigDict(env_prefix="PLAIN_")

    topic_port: int = 18081
    handler_threads: int | None = None
    """Topic deliveries handled at once; the SDK's own is 10."""
    sdk_log_level: str | None = None
    """The SDK's own is INFO."""
    activity_items: int | None = None
    """Activities taken at once; the SDK's own is 100 a core."""
    workflow_items: int | None = None
    """Turns of workflows taken at once; the SDK's own is 100 a core."""
    worker_threads: int | None = None
    """Threads of each of the worker's two pools; the SDK's own is 4 more than cores."""

    probe_reads: int = 0
    """Needless reads of the state store for each request: to see what one call costs here."""

    def logger_options(self) -> LoggerOptions | None:
        return LoggerOptions(log_level=self.sdk_log_level) if self.sdk_log_level else None

    def runtime_options(self) -> dict[str, Any]:
        return {
            "logger_options": self.logger_options(),
            "maximum_concurrent_activity_work_items": self.activity_items,
            "maximum_concurrent_orchestration_work_items": self.workflow_items,
            "maximum_thread_pool_workers": self.worker_threads,
        }
