"""Decides what to do with an event, without doing it."""

import json
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any

from dapr.ext.workflow import WorkflowState, WorkflowStatus

from contracts import identity
from contracts.cloudevent import CloudEvent
from contracts.commands import ControlInstance, RaiseEvent, StartWorkflow
from contracts.events import Reason
from contracts.expiry import Deadline, deadline
from contracts.reading import read_command_from
from contracts.refusal import Refused
from contracts.topics import Topic
from orchestrator.authoring.catalogue import Catalogue
from orchestrator.engine.client import Engine
from orchestrator.engine.state import FINISHED, Unreadable
from orchestrator.intake.event_delivery import finished
from orchestrator.ledger.ledger import Ledger
from orchestrator.runs.payload import MAX_PAYLOAD_BYTES, payload_bytes


@dataclass(frozen=True)
class Start:
    """Start this workflow with this input."""

    instance_id: str
    workflow: str
    input: Any
    derived: bool
    """Whether the instance id comes from the event itself, so that no other event can want it."""

    @property
    def digest(self) -> str:
        """Hash of the workflow and its input."""
        text = json.dumps([self.workflow, self.input], sort_keys=True)
        return sha256(text.encode()).hexdigest()[:24]

    def taken(self) -> Refused:
        """Return the refusal for an instance id that another event has taken."""
        message = (
            f"{self.instance_id!r} is taken: by another event, of another workflow or input, or by "
            "a child workflow"
        )
        return Refused(Reason.INSTANCE_EXISTS, message, "instance_id")


@dataclass(frozen=True)
class Deliver:
    """Raise this event to a running instance."""

    instance_id: str
    state: WorkflowState
    command: RaiseEvent
    wait: timedelta
    """How long the event may wait if the instance does not accept it now."""


@dataclass(frozen=True)
class Park:
    """Keep this event until its instance exists, or is no longer stalled."""

    instance_id: str
    wait: timedelta
    why: str | None = None
    """Why an existing instance does not accept it."""


@dataclass(frozen=True)
class Arrived:
    """The instance received this event before it ended; only the ledger does not say so."""

    instance_id: str


@dataclass(frozen=True)
class Control:
    """Terminate, suspend, resume or purge an instance."""

    instance_id: str
    control: str
    reason: str | None


Decision = Start | Deliver | Park | Arrived | Control


class Decider:
    """Decides by the catalogue, the ledger and the engine's state, and changes nothing."""

    def __init__(
        self, catalogue: Catalogue, engine: Engine, ledger: Ledger, parked_for: timedelta
    ) -> None:
        self._catalogue = catalogue
        self._engine = engine
        self._ledger = ledger
        self.parked_for = parked_for

    async def decide(self, topic: Topic, event: CloudEvent) -> Decision:
        """Return what to do with an event of `topic`. Raises `Refused` where it is refused."""
        command = read_command_from(topic, event)
        if due := deadline(event, self._ledger.now()):
            await self._refuse_late(event, due)
        if isinstance(command, StartWorkflow):
            return self._start(command, event)
        if isinstance(command, RaiseEvent):
            return await self._deliver(command, event, due)
        return await self._control(command)

    async def _refuse_late(self, event: CloudEvent, due: Deadline) -> None:
        """Refuse an event that comes too late. An event in the ledger came in time before."""
        late = due.passed(self._ledger.now())
        if late and await self._ledger.find(event.source, event.id) is None:
            raise late

    def _start(self, command: StartWorkflow, event: CloudEvent) -> Start:
        definition = self._catalogue.workflows.get(command.workflow)
        if definition is None:
            known = ", ".join(sorted(self._catalogue.workflows))
            message = f"no workflow is named {command.workflow!r}; there are: {known}"
            raise Refused(Reason.UNKNOWN_WORKFLOW, message, "workflow")
        instance_id = identity.instance_to_start(command, event.source, event.id)
        definition.parse(command.input)
        if (size := payload_bytes(command.input)) > MAX_PAYLOAD_BYTES:
            message = (
                f"the input is {size:,} bytes, as what is not ASCII is escaped, and the limit is "
                f"{MAX_PAYLOAD_BYTES:,}: store it elsewhere and pass a reference to it"
            )
            raise Refused(Reason.OVERSIZE, message, "input")
        derived = command.instance_id is None and command.key is None
        return Start(instance_id, definition.name, command.input, derived)

    async def _deliver(
        self, command: RaiseEvent, event: CloudEvent, due: Deadline | None
    ) -> Deliver | Park | Arrived:
        instance_id = identity.instance_addressed(command)
        state = await self._engine.state(instance_id)
        asked = command.ttl_seconds
        wait = self.parked_for if asked is None else timedelta(seconds=min(asked, 10**9))
        left = max(timedelta(0), due.at - self._ledger.now()) if due else wait
        if state is not None and state.runtime_status is WorkflowStatus.STALLED:
            if not wait:
                raise stalled(instance_id, "takes no event")
            return Park(instance_id, min(wait, left), f"{instance_id!r} is stalled")
        if state is not None and state.runtime_status not in FINISHED:
            return Deliver(instance_id, state, command, min(wait, left))
        ended = await self._ledger.ended(instance_id)
        if ended and identity.event_key(event.source, event.id) in ended.seen:
            return Arrived(instance_id)
        if state is not None or ended is not None:
            status = state.runtime_status.name if state else ended.outcome if ended else ""
            raise finished(instance_id, status)
        if not wait:
            message = f"no instance has the id {instance_id!r}, and the event may not wait for it"
            raise Refused(Reason.UNKNOWN_INSTANCE, message, "instance_id")
        return Park(instance_id, min(wait, left))

    async def _status(self, instance_id: str) -> WorkflowStatus | None:
        """Return the status of an instance, or of its end before a purge; None for no such."""
        if state := await self._engine.state(instance_id):
            # An instance may be unreadable for a moment only: the control is tried, and waits.
            unreadable = isinstance(state, Unreadable)
            return WorkflowStatus.UNKNOWN if unreadable else state.runtime_status
        ended = await self._ledger.ended(instance_id)
        return WorkflowStatus[ended.outcome] if ended else None

    async def _control(self, command: ControlInstance) -> Control:
        instance_id = identity.instance_addressed(command)
        status = await self._status(instance_id)
        if status is None:
            message = f"no instance has the id {instance_id!r}"
            raise Refused(Reason.UNKNOWN_INSTANCE, message, "instance_id")
        if command.control == "purge" and status not in FINISHED:
            message = f"{instance_id!r} is {status.name}; terminate it, then purge"
            raise Refused(Reason.INVALID_REQUEST, message, "control")
        if command.control in ("suspend", "resume") and status is WorkflowStatus.STALLED:
            raise stalled(instance_id, f"cannot be told to {command.control}")
        # After a crash between the termination and its note, the control comes again.
        done = command.control == "terminate" and status is WorkflowStatus.TERMINATED
        if command.control != "purge" and status in FINISHED and not done:
            raise finished(instance_id, status.name)
        return Control(instance_id, command.control, command.reason)


def stalled(instance_id: str, then: str) -> Refused:
    """Return the refusal of a command that a stalled instance cannot accept."""
    message = (
        f"{instance_id!r} is STALLED and {then}: deploy the code that it was started with, or "
        "terminate it"
    )
    return Refused(Reason.INSTANCE_STALLED, message, "instance_id")
