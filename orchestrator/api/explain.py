"""Says what would be done with an event, by the decision of the dispatcher, and does nothing."""

import uuid
from dataclasses import replace
from difflib import get_close_matches
from functools import partial

from contracts import strict_json
from contracts.cloudevent import CloudEvent
from contracts.commands import StartWorkflow
from contracts.http import Explanation
from contracts.large_bodies import LargeBodies
from contracts.reading import read_command, topic_of
from contracts.refusal import Refused
from contracts.routes.incoming import read_incoming
from contracts.topics import PUBSUB_ROUTES
from orchestrator.intake.actions import Claim, Hold, Refuse, TakeOver
from orchestrator.intake.arrival import Arrival, arrive, arrive_by_route
from orchestrator.intake.decision import decide
from orchestrator.intake.fact_reader import FactReader
from orchestrator.intake.routed_arrivals import Router
from orchestrator.ledger.records import Disposition


async def explanation(reader: FactReader, bodies: LargeBodies, body: bytes) -> Explanation:
    """Explain a CloudEvent, or data as `dapr publish` would send it, which makes a new event."""
    try:
        arrival = await bodies.read(body, partial(_arrival, body))
    except Refused as refused:
        return Explanation(disposition=Disposition.DEAD_LETTERED, **_why(refused))
    return await _explained(reader, arrival)


def not_named(router: Router, on: str) -> str | None:
    """Return the message for a topic that no route names; None if one does."""
    known = {route.spec.channel for route in router.routes if route.spec.channel}
    if on in known:
        return None
    near = get_close_matches(on, known, 1)
    return f"no route names the topic {on!r}{f'; did you mean {near[0]!r}?' if near else ''}"


async def explanation_by_routes(
    reader: FactReader, router: Router, bodies: LargeBodies, body: bytes, on: str
) -> Explanation:
    """Explain an event on a topic of routes: what each route that it is for makes of it."""
    component, _, topic = on.rpartition("/")
    event, *_ = await bodies.read(body, partial(read_incoming, body, topic))
    split = router.split(component or PUBSUB_ROUTES, topic, event)
    taken, others = split.taken, split.why
    found = [await _explained(reader, arrive_by_route(on, event, one)) for one in taken]
    if len(found) == 1:
        return found[0].model_copy(update={"not_matched": others})
    return Explanation(
        disposition=found[0].disposition if found else "unrouted",
        topic=on,
        routes=found,
        not_matched=others,
    )


async def _explained(reader: FactReader, arrival: Arrival) -> Explanation:
    facts = await reader.of_delivery(arrival, asked=True)
    decision, entry, command = decide(facts), facts.entry, arrival.command
    known = None if isinstance(decision, TakeOver | Refuse) else entry and entry.disposition
    while isinstance(decision, Claim | TakeOver):
        facts = replace(facts, entry=decision.entry)
        decision = decide(facts)
    return Explanation(
        disposition=decision.disposition,
        topic=arrival.topic,
        route=arrival.route,
        workflow=command.workflow if isinstance(command, StartWorkflow) else None,
        instance_id=facts.arrival.instance_id,
        known=known,
        until=decision.until if isinstance(decision, Hold) else None,
        **(_why(decision.why) if isinstance(decision, Refuse) else {}),
    )


def _arrival(body: bytes) -> Arrival:
    value = strict_json.loads(body)
    if isinstance(value, dict) and "specversion" in value:
        event = CloudEvent.from_dict(value)
    else:
        event = CloudEvent(str(uuid.uuid4()), "/usher/explain", "explain", body)
    return arrive(topic_of(read_command(event)), event)


def _why(refused: Refused) -> dict[str, str | None]:
    return {"reason": refused.reason, "field": refused.field, "message": refused.message}
