"""Checks of what is kept how long: workflow state, ledger and streams."""

from collections.abc import Iterable, Iterator

from contracts.finding import Finding, refusal, warning
from contracts.topics import LEDGER_STORE, READ_BY, STATE_STORE, Topic
from usher.doctor.durations import seconds
from usher.doctor.resources import Resource, of_type

DAY = 86_400
_SOON = 300
"""Seconds within which a redelivery may still ask for an instance."""


def stores(resources: Iterable[Resource]) -> Iterator[Finding]:
    """The state stores are the orchestrator's alone and forget nothing by themselves."""
    named = {one.name: one for one in of_type(resources, "state.")}
    for name in (STATE_STORE, LEDGER_STORE):
        if (one := named.get(name)) is None:
            yield refusal("the component files", f"no component {name!r}", "have one", "P2")
            continue
        if name == STATE_STORE and one.option("actorStateStore") != "true":
            wrong = "the engine has no place for workflows"
            yield refusal(one.field("actorStateStore"), wrong, '"true"', "P2")
        if one.option("ttlInSeconds") not in (None, "", "0", "-1"):
            wrong = f"{one.option('ttlInSeconds')}: what must be kept would be forgotten"
            yield refusal(one.field("ttlInSeconds"), wrong, "leave it out", "P2")
        if one.scopes != {READ_BY[Topic.REQUESTS]}:
            wrong = "apps other than the orchestrator see what it keeps"
            yield warning(one.field("scopes"), wrong, "orchestrator alone", "P1")


def retention(resources: Iterable[Resource], ledger_days: float) -> Iterator[Finding]:
    """Finished instances go before the ledger forgets them, and not at once."""
    policies = [
        (one, policy)
        for one in resources
        if one.kind == "Configuration"
        and (policy := (one.spec.get("workflow") or {}).get("stateRetentionPolicy"))
    ]
    if not policies:
        wrong = "finished instances are kept for ever"
        right = "spec.workflow.stateRetentionPolicy, such as anyTerminal: 168h"
        yield warning("components/configuration-orchestrator.yaml", wrong, right, "bounds")
    for one, policy in policies:
        for name, text in policy.items():
            where = one.field(f"spec.workflow.stateRetentionPolicy.{name}")
            kept = seconds(str(text))
            if kept is None:
                yield refusal(where, f"{text!r} is no duration", "write 168h", "P1")
            elif kept >= ledger_days * DAY:
                wrong = f"{text}: longer than the ledger knows its event ({ledger_days:g} days)"
                right = "less: a start of the same id would run a finished instance again"
                yield refusal(where, wrong, right, "P1")
            elif kept < _SOON:
                wrong = f"{text}: an instance may be gone before its event is settled"
                yield warning(where, wrong, "some hours at least", "P1, P4")
