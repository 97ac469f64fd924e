"""Says what would be done with an event, by the very decision the inbox takes; does nothing."""

import uuid
from functools import partial
from typing import Any

from pydantic import BaseModel

from contracts import strict_json
from contracts.cloudevent import CloudEvent
from contracts.digest import identity_reused
from contracts.events import Reason
from contracts.large_bodies import LargeBodies
from contracts.reading import read_command, topic_of
from contracts.refusal import Refused
from contracts.topics import Topic
from orchestrator.intake.decider import Arrived, Control, Decider, Deliver, Park, Start
from orchestrator.ledger.ledger import Ledger
from orchestrator.ledger.records import Disposition

WOULD: dict[type[Any], Disposition] = {
    Start: Disposition.STARTED,
    Deliver: Disposition.DELIVERED,
    Arrived: Disposition.DELIVERED,
    Park: Disposition.PARKED,
    Control: Disposition.CONTROLLED,
}


class Explanation(BaseModel):
    """What would become of an event, and why it would be refused where it would."""

    disposition: Disposition
    topic: Topic | None = None
    workflow: str | None = None
    instance_id: str | None = None
    reason: Reason | None = None
    field: str | None = None
    message: str | None = None
    known: Disposition | None = None
    """What the ledger has of this event already."""


async def explanation(
    decider: Decider, ledger: Ledger, bodies: LargeBodies, body: bytes
) -> Explanation:
    """Explain a CloudEvent, or data as `dapr publish` would send it, which makes a new event."""
    topic = None
    try:
        event = await bodies.read(body, partial(_event, body))
        topic = topic_of(read_command(event))
        known = await ledger.find(event.source, event.id)
        if known and not known.is_of(event):
            raise identity_reused(event)
        if known and not known.reopened_by(event):
            dup = Disposition.PARKED if not known.final else Disposition.DUPLICATE
            shown = {"instance_id": known.instance_id, "known": known.disposition}
            return Explanation(disposition=dup, topic=topic, **shown)
        decision = await decider.decide(topic, event)
        if isinstance(decision, Start):
            return await _start(decision, ledger, topic)
        would = WOULD[type(decision)]
        return Explanation(disposition=would, topic=topic, instance_id=decision.instance_id)
    except Refused as refused:
        said = {"reason": refused.reason, "field": refused.field, "message": refused.message}
        return Explanation(disposition=Disposition.DEAD_LETTERED, topic=topic, **said)


def _event(body: bytes) -> CloudEvent:
    value = strict_json.loads(body)
    if isinstance(value, dict) and "specversion" in value:
        event = CloudEvent.from_dict(value)
    else:
        event = CloudEvent(str(uuid.uuid4()), "/usher/explain", "explain", body)
    read_command(event)
    return event


async def _start(start: Start, ledger: Ledger, topic: Topic) -> Explanation:
    shown = {"topic": topic, "workflow": start.workflow, "instance_id": start.instance_id}
    holder = None if start.derived else await ledger.holder(start.instance_id)
    if holder is None:
        return Explanation(disposition=Disposition.STARTED, **shown)
    if holder.digest == start.digest:
        return Explanation(disposition=Disposition.DUPLICATE, **shown)
    taken = start.taken()
    said = {"reason": taken.reason, "field": taken.field, "message": taken.message}
    return Explanation(disposition=Disposition.DEAD_LETTERED, **shown, **said)
