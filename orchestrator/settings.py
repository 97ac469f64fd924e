"""Settings of the orchestrator, from the environment."""

import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from chassis.settings import SubscriberSettings


class Settings(SubscriberSettings):
    """Each is read from `ORCHESTRATOR_<NAME>`, unless another variable is named."""

    model_config = SettingsConfigDict(env_prefix="ORCHESTRATOR_")

    port: int = 8081
    topic_port: int = 18081
    dapr_http_port: int = Field(3501, validation_alias="DAPR_HTTP_PORT")
    dapr_grpc_port: int = Field(13501, validation_alias="DAPR_GRPC_PORT")
    workflows: Annotated[tuple[Path, ...], NoDecode] = Field((), validation_alias="USHER_WORKFLOWS")
    """Folders of workflows, separated as PATH is; the samples, where none is named."""
    samples: bool = Field(False, validation_alias="USHER_SAMPLES")
    """Serve the samples beside the workflows of these folders."""
    routes: Annotated[tuple[Path, ...], NoDecode] = Field((), validation_alias="USHER_ROUTES")
    """Files of routes, separated as PATH is, beside the `routes.yaml` of each folder."""
    call_timeout_seconds: int = 8
    """Deadline of one call to the sidecar; below the broker's processingTimeout of 10 s."""
    ledger_days: int = Field(30, ge=1)
    """How long the ledger knows an event, and an instance id stays taken. More than `stream_days`,
    or an event that comes again may be taken for a new one."""
    parking_seconds: float = Field(3600, ge=0)
    """How long an event waits for an instance that is not there; 0 dead-letters it at once."""
    announce: Literal["last_turn", "activity"] = "last_turn"
    """What publishes the notice of an ending: the turn that the run ends in, or an activity after
    it, which costs a further turn. What the turn cannot publish goes by the activity, too."""
    sweep_seconds: float = Field(15, gt=0)
    """Interval of the sweep for runs whose ending was not announced. `engine/instance_ids` says how
    often the list of instances is read anew."""
    sweep_looks: int = Field(750, ge=1)
    """How many instances are looked at each time, about a millisecond of CPU each. With more that
    wait than three times this, an ending that nobody told may take longer than 60 s to be found."""
    activity_threads: int = Field(64, ge=1)
    """How many synchronous activities run at once; those of one name at most three quarters."""
    task_deaths: int = Field(3, ge=1)
    """After so many deaths of a process that ran it alone, a task fails and is not run again."""
    replica: int = Field(0, ge=0)
    """The number of this replica. On a broker that keeps order for one consumer only, such as
    Redis, replica 0 alone subscribes to what must arrive in order."""
    drain_seconds: float = 15
    """How long a stop waits for the deliveries it holds."""

    @field_validator("workflows", "routes", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return [p for p in value.split(os.pathsep) if p] if isinstance(value, str) else value

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
