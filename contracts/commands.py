"""Commands: the messages that publishers send to the orchestrator, in the imperative."""

from typing import Annotated, Literal, Self

from pydantic import Field, JsonValue, ValidationInfo, field_validator, model_validator

from contracts.keys import instance_id_for
from contracts.message import AddressableId, InstanceId, Key, Message, Name


class _Named(Message):
    """A command about one instance, named by id or by key; by both only if they agree."""

    @field_validator("key", check_fields=False)
    @classmethod
    def _once(cls, key: str | None, info: ValidationInfo) -> str | None:
        instance_id, workflow = info.data.get("instance_id"), info.data.get("workflow")
        if key and instance_id and instance_id != instance_id_for(str(workflow), key):
            raise ValueError("name the instance once: give `instance_id` or `key`, not both")
        return key


class StartWorkflow(_Named):
    """Start one workflow (topic `workflow-requests`).

    The instance id is `instance_id` if given, else `<workflow>-<key>`, else derived from the
    source and id of the CloudEvent that carries this command.
    """

    workflow: Name
    input: JsonValue = None
    instance_id: InstanceId | None = None
    key: Name | None = None


class Addressed(_Named):
    """A command to one instance, named by its id, or by the workflow and key that started it.

    The key of a route may be any text. If it makes no instance id, it is escaped here as there.
    """

    instance_id: AddressableId | None = None
    workflow: Name | None = None
    key: Key | None = None

    @model_validator(mode="after")
    def _names_one_instance(self) -> Self:
        by_key = self.workflow is not None and self.key is not None
        if self.instance_id is None and not by_key:
            raise ValueError("name the instance: `instance_id`, or `workflow` and `key` together")
        return self


class RaiseEvent(Addressed):
    """Deliver an external event to an instance (topic `workflow-events`).

    `ttl_seconds` limits how long the event may wait for its instance to start or to take events.
    """

    event: Name
    data: JsonValue = None
    ttl_seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None


class ControlInstance(Addressed):
    """Terminate, suspend, resume or purge an instance (topic `workflow-events`)."""

    control: Literal["terminate", "suspend", "resume", "purge"]
    reason: str | None = None


Command = StartWorkflow | RaiseEvent | ControlInstance
