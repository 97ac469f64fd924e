"""Why an event for an instance is refused, in words."""

from collections.abc import Iterable
from difflib import get_close_matches

from contracts.events import Reason
from contracts.refusal import Refused


def taken(instance_id: str | None) -> Refused:
    """Return the refusal of a start whose instance id belongs to another."""
    message = (
        f"{instance_id!r} is taken: by another event, of another workflow or input, or by a child "
        "workflow"
    )
    return Refused(Reason.INSTANCE_EXISTS, message, "instance_id")


def cancelled_early(instance_id: str | None, by: str | None) -> Refused:
    """Return the refusal of a start that an event has cancelled; `by` names the event."""
    message = f"{by or 'an event'} cancelled {instance_id!r} before it started"
    return Refused(Reason.CANCELLED_EARLY, message, "key")


def unknown_workflow(name: str, known: Iterable[str]) -> Refused:
    """Return the refusal of a start of a workflow that is not served, with the nearest name."""
    there = sorted(known)
    near = get_close_matches(name, there, 1, cutoff=0.85)  # as many names end alike
    hint = f"did you mean {near[0]!r}? There are" if near else "there are"
    message = f"no workflow is named {name!r}; {hint}: {', '.join(there)}"
    return Refused(Reason.UNKNOWN_WORKFLOW, message, "workflow")


def unknown(instance_id: str | None, more: str = "") -> Refused:
    """Return the refusal of an event whose instance is not there."""
    message = f"no instance has the id {instance_id!r}{more}"
    return Refused(Reason.UNKNOWN_INSTANCE, message, "instance_id")


def stalled(instance_id: str | None, then: str) -> Refused:
    """Return the refusal of an event for an instance that is stalled."""
    message = (
        f"{instance_id!r} is STALLED and {then}: deploy the code that it was started with, or "
        "terminate it"
    )
    return Refused(Reason.INSTANCE_STALLED, message, "instance_id")


def finished(instance_id: str | None, status: str) -> Refused:
    """Return the refusal of an event for an instance that has ended."""
    message = f"{instance_id!r} has ended: {status}"
    return Refused(Reason.INSTANCE_FINISHED, message, "instance_id")
