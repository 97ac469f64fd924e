"""What is to be done with an event: decided here, without doing any of it."""

from dataclasses import dataclass
from typing import Any

from contracts import identity
from contracts.cloudevent import CloudEvent
from contracts.commands import Command, ControlInstance, RaiseEvent, StartWorkflow
from contracts.events import Reason
from contracts.reading import read_command_from
from contracts.refusal import Refused
from contracts.topics import Topic
from orchestrator.catalogue import Catalogue
from orchestrator.engine import FINISHED, Engine


@dataclass(frozen=True)
class Start:
    """Start this workflow with this input."""

    instance_id: str
    workflow: str
    input: Any


@dataclass(frozen=True)
class Duplicate:
    """The instance is there already: nothing is to be done."""

    instance_id: str


@dataclass(frozen=True)
class Deliver:
    """Raise this event to an instance that runs."""

    instance_id: str
    event: str
    data: Any


@dataclass(frozen=True)
class Control:
    """Terminate, suspend, resume or purge an instance."""

    instance_id: str
    control: str
    reason: str | None


Decision = Start | Duplicate | Deliver | Control


class Decider:
    """Reads the catalogue and the engine's state; changes nothing."""

    def __init__(self, catalogue: Catalogue, engine: Engine) -> None:
        self._catalogue = catalogue
        self._engine = engine

    def decide(self, topic: Topic, event: CloudEvent) -> Decision:
        """Return what to do with an event that came on `topic`; raise `Refused` when nothing."""
        command: Command = read_command_from(topic, event)
        if isinstance(command, StartWorkflow):
            return self._start(command, event)
        if isinstance(command, RaiseEvent):
            return self._deliver(command)
        return self._control(command)

    def _start(self, command: StartWorkflow, event: CloudEvent) -> Decision:
        definition = self._catalogue.workflows.get(command.workflow)
        if definition is None:
            known = ", ".join(sorted(self._catalogue.workflows))
            message = f"no workflow is named {command.workflow!r}; there are: {known}"
            raise Refused(Reason.UNKNOWN_WORKFLOW, message, "workflow")
        instance_id = identity.instance_to_start(command, event.source, event.id)
        definition.parse(command.input)
        if self._engine.state(instance_id) is not None:
            return Duplicate(instance_id)
        return Start(instance_id, definition.name, command.input)

    def _deliver(self, command: RaiseEvent) -> Deliver:
        instance_id = identity.instance_addressed(command)
        self._require(instance_id, finished=False)
        return Deliver(instance_id, command.event, command.data)

    def _control(self, command: ControlInstance) -> Control:
        instance_id = identity.instance_addressed(command)
        self._require(instance_id, finished=command.control == "purge")
        return Control(instance_id, command.control, command.reason)

    def _require(self, instance_id: str, *, finished: bool) -> None:
        """Refuse an instance that is absent, or is not finished (or unfinished) as asked."""
        state = self._engine.state(instance_id)
        if state is None:
            message = f"no instance has the id {instance_id!r}"
            raise Refused(Reason.UNKNOWN_INSTANCE, message, "instance_id")
        ended = state.runtime_status in FINISHED
        if ended and not finished:
            message = f"{instance_id!r} has ended: {state.runtime_status.name}"
            raise Refused(Reason.INSTANCE_FINISHED, message, "instance_id")
        if finished and not ended:
            message = f"{instance_id!r} is {state.runtime_status.name}; terminate it, then purge"
            raise Refused(Reason.INVALID_REQUEST, message, "control")
