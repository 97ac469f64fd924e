"""Settings of the orchestrator, from the environment."""

import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, BeforeValidator, Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from chassis.origin import listed, own_names


class Settings(BaseSettings):
    """Each is read from `ORCHESTRATOR_<NAME>`, unless another variable is named here."""

    model_config = SettingsConfigDict(env_prefix="ORCHESTRATOR_", populate_by_name=True)

    host: str = "127.0.0.1"
    port: int = 8081
    topic_port: int = 18081
    """Where the sidecar delivers topics, gRPC."""
    dapr_host: str = Field("127.0.0.1", validation_alias="DAPR_RUNTIME_HOST")
    dapr_http_port: int = Field(3501, validation_alias="DAPR_HTTP_PORT")
    dapr_grpc_port: int = Field(13501, validation_alias="DAPR_GRPC_PORT")
    dapr_api_token: str = Field("", validation_alias="DAPR_API_TOKEN")
    """Shown to the sidecar, where it wants one."""
    app_api_token: str = Field("", validation_alias="APP_API_TOKEN")
    """Shown by the sidecar; where set, whoever delivers without it is refused."""
    workflows: Annotated[tuple[Path, ...], NoDecode] = Field((), validation_alias="USHER_WORKFLOWS")
    """Folders of workflows, separated as PATH is; the samples, where none is named."""
    samples: bool = Field(False, validation_alias="USHER_SAMPLES")
    """Serve the samples beside the workflows of these folders."""
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
    call_timeout_seconds: int = 8
    """Deadline of one call to the sidecar; below the broker's processingTimeout of 10 s."""
    ledger_days: int = Field(30, ge=1)
    """How long the ledger knows an event, and an instance id stays taken."""
    stream_days: float = Field(7, gt=0, validation_alias="USHER_STREAM_DAYS")
    """How long the notifier keeps what is acknowledged on the streams; less than `ledger_days`."""
    parking_seconds: float = Field(3600, ge=0)
    """How long an event waits for an instance that is not there; 0 dead-letters it at once."""
    announce: Literal["last_turn", "activity"] = "last_turn"
    """What publishes the notice of an ending: the turn that the run ends in, or an activity after
    it, which costs a further turn. What the turn cannot publish goes by the activity, too."""
    sweep_seconds: float = Field(15, gt=0)
    """How often runs are looked for that ended and could not say so; see `roster` for how often
    those are listed that have come since."""
    sweep_looks: int = Field(750, ge=1)
    """How many instances are looked at each time, about a millisecond of CPU each. With more that
    wait than three times this, an ending that nobody told may take longer than 60 s to be found."""
    activity_threads: int = Field(64, ge=1)
    """How many synchronous activities run at once; those of one name at most three quarters."""
    task_deaths: int = Field(3, ge=1)
    """After so many deaths of a process that ran it alone, a task fails and is not run again."""
    drain_seconds: float = 15
    """How long a stop waits for the deliveries it holds."""

    @field_validator("workflows", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return [p for p in value.split(os.pathsep) if p] if isinstance(value, str) else value

    @property
    def names(self) -> frozenset[str]:
        """The names under which it is reached."""
        return own_names(self.hosts, self.host)

    @property
    def sidecar_url(self) -> str:
        return f"http://{self.dapr_host}:{self.dapr_http_port}"

    def export_to_sdk(self) -> None:
        """Set what the Dapr SDK reads from the environment by itself, where it is not set."""
        os.environ.setdefault("DAPR_RUNTIME_HOST", self.dapr_host)
        os.environ.setdefault("DAPR_HTTP_PORT", str(self.dapr_http_port))
        os.environ.setdefault("DAPR_GRPC_PORT", str(self.dapr_grpc_port))
        os.environ.setdefault("DAPR_API_TIMEOUT_SECONDS", str(self.call_timeout_seconds))
        # gRPC and urllib would ask a configured proxy for the sidecar. gRPC prefers its own list.
        given = os.environ.get("no_proxy", os.environ.get("NO_PROXY", ""))
        for name in ("no_proxy", "NO_PROXY", "no_grpc_proxy"):
            hosts = os.environ.get(name, given)
            if hosts != "*" or name == "no_grpc_proxy":
                os.environ[name] = f"{hosts},{self.dapr_host}".lstrip(",")
