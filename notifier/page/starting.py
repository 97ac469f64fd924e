"""Checks of the start form: before it is sent, and of the disposition after."""

from typing import Any

from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from contracts import calls
from contracts.calls import STARTER_SOURCE
from contracts.disposition import Disposition
from contracts.events import Reason
from contracts.written import command_of
from notifier.page import forms
from notifier.page.routes import INSTANCE
from notifier.service import Notifier
from notifier.service_clients import Away, Refusal

OUTCOME_SECONDS = 3
"""How long Start waits for the disposition. After that, the page of the instance shows it."""
_OPEN = (None, Disposition.CLAIMED)
_DUPLICATE = (
    "{} is taken: a run was started with this id, for the same workflow and input. "
    "Nothing new was started."
)
_TAKEN = "{} is taken by another run. Choose another id."
NOT_STARTED: dict[str, str] = {
    Disposition.DUPLICATE: _DUPLICATE,
    Disposition.DEAD_LETTERED: _TAKEN,
}
"""Disposition of a request with a chosen id → message for people."""


def objections(
    service: Notifier, form: list[forms.Field], command: dict[str, Any], key: str
) -> dict[str, str]:
    """Return why the orchestrator would not start this, by field; nothing if it is away."""
    chosen = command.get("instance_id")
    event = command_of(STARTER_SOURCE, command, key)
    try:
        explained = service.orchestrator.ask(calls.explain(event))
        if explained.known:  # the same form, sent twice: its run exists
            return {}
        starts = explained.disposition == Disposition.STARTED
        if starts and chosen and service.orchestrator.find(calls.instance(chosen)):
            return {INSTANCE.name: _TAKEN.format(chosen)}
    except Away:
        return {}
    if explained.disposition == Disposition.DUPLICATE and chosen:
        return {INSTANCE.name: _DUPLICATE.format(chosen)}
    if explained.disposition != Disposition.DEAD_LETTERED:
        return {}
    if explained.reason == Reason.INSTANCE_EXISTS:
        return {INSTANCE.name: _TAKEN.format(chosen)}
    message = explained.message or "it would be refused"
    return {forms.field_of([*form, INSTANCE], explained.field): message}


def refused(form: list[forms.Field], refusal: Refusal) -> dict[str, str]:
    """Return the errors of a refusal by field of the form."""
    found = {forms.field_of(form, error.field): error.message for error in refusal.errors}
    return found or {"": str(refusal)}


def disposition(service: Notifier, event_id: str, chosen: str) -> str:
    """Return the disposition of a published request; empty if it is not known yet.

    An id that Usher makes is unique, so there is nothing to wait for.
    """
    if not chosen:
        return "started"
    waiting = Retrying(
        stop=stop_after_delay(OUTCOME_SECONDS),
        wait=wait_fixed(0.1),
        retry=retry_if_result(lambda found: found in _OPEN),
        retry_error_callback=lambda _: None,
    )
    try:
        found: str | None = waiting(lambda: _recorded(service, event_id))
    except Away:
        return ""
    return found or ""


def _recorded(service: Notifier, event_id: str) -> str | None:
    found = service.orchestrator.find(calls.event(STARTER_SOURCE, event_id))
    return found.disposition if found else None
