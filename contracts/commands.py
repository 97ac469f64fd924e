"""Commands: what a publisher asks of the orchestrator, in the imperative."""

from typing import Annotated, Literal, Self

from pydantic import Field, JsonValue, model_validator

from contracts.message import AddressableId, InstanceId, Message, Name


class StartWorkflow(Message):
    """Start one workflow (topic `workflow-requests`).

    The instance id is `instance_id` where given, else `<workflow>-<key>`, else derived from the
    source and id of the CloudEvent that carries this command.
    """

    workflow: Name
    input: JsonValue = None
    instance_id: InstanceId | None = None
    key: Name | None = None


class Addressed(Message):
    """A command to one instance, named by its id or by the workflow and key it was started with."""

    instance_id: AddressableId | None = None
    workflow: Name | None = None
    key: Name | None = None

    @model_validator(mode="after")
    def _names_one_instance(self) -> Self:
        by_key = self.workflow is not None and self.key is not None
        if self.instance_id is None and not by_key:
            raise ValueError("name the instance: `instance_id`, or `workflow` and `key` together")
        if self.instance_id is not None and by_key:
            raise ValueError("name the instance once: `instance_id`, or `workflow` and `key`")
        return self


class RaiseEvent(Addressed):
    """Deliver an external event to an instance (topic `workflow-events`).

    `ttl_seconds` bounds how long the event may wait for an instance that does not exist yet.
    """

    event: Name
    data: JsonValue = None
    ttl_seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None


class ControlInstance(Addressed):
    """Terminate, suspend, resume or purge an instance (topic `workflow-events`)."""

    control: Literal["terminate", "suspend", "resume", "purge"]
    reason: str | None = None


Command = StartWorkflow | RaiseEvent | ControlInstance
