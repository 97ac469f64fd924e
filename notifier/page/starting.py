"""What stands against starting a workflow from the form: asked before, and looked up after."""

import json
from typing import Any

from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from notifier.neighbours import STARTER_SOURCE, Away
from notifier.page import forms
from notifier.page.routes import INSTANCE
from notifier.service import Notifier

OUTCOME_SECONDS = 3
"""How long a press of Start waits to learn what became of it; the instance's page says so later."""
_OPEN = (None, "claimed")
_DUPLICATE = (
    "{} is taken: a run was started with this id, for the same workflow and input. "
    "Nothing new was started."
)
_TAKEN = "{} is taken by another run. Choose another id."
NOT_STARTED = {"duplicate": _DUPLICATE, "dead_lettered": _TAKEN}
"""What became of a request for a chosen id → what to say of it."""


def objections(
    service: Notifier, form: list[forms.Field], command: dict[str, Any], key: str
) -> dict[str, str]:
    """Return why the orchestrator would not start this, by field; nothing where it is away."""
    chosen = command.get("instance_id")
    event = {
        "specversion": "1.0",
        "id": key,
        "source": STARTER_SOURCE,
        "type": "usher.command.v1",
        "data": command,
    }
    try:
        told = service.orchestrator.explain(json.dumps(event).encode())
        if told.get("known"):  # this very form, sent twice: it has its run
            return {}
        if (
            told.get("disposition") == "started"
            and chosen
            and service.orchestrator.instance(chosen)
        ):
            return {INSTANCE.name: _TAKEN.format(chosen)}
    except Away:
        return {}
    if told.get("disposition") == "duplicate" and chosen:
        return {INSTANCE.name: _DUPLICATE.format(chosen)}
    if told.get("disposition") != "dead_lettered":
        return {}
    if told.get("reason") == "instance_exists":
        return {INSTANCE.name: _TAKEN.format(chosen)}
    message = told.get("message") or "it would be refused"
    return {forms.blamed([*form, INSTANCE], told.get("field")): message}


def refused(form: list[forms.Field], problem: dict[str, Any]) -> dict[str, str]:
    """Return a problem's errors by the field of the form that each is about."""
    found = {
        forms.blamed(form, error.get("field")): error["message"]
        for error in problem.get("errors", [])
    }
    return found or {"": detail(problem)}


def detail(problem: dict[str, Any]) -> str:
    return str(problem.get("detail") or problem.get("title") or problem)


def outcome(service: Notifier, event_id: str, chosen: str) -> str:
    """Return what became of a request that was published; empty where it is not known yet.

    An id that Usher made up is nobody else's, and need not be waited for.
    """
    if not chosen:
        return "started"
    waiting = Retrying(
        stop=stop_after_delay(OUTCOME_SECONDS),
        wait=wait_fixed(0.1),
        retry=retry_if_result(lambda became: became in _OPEN),
        retry_error_callback=lambda _: None,
    )
    try:
        became: str | None = waiting(lambda: _became(service, event_id))
    except Away:
        return ""
    return became or ""


def _became(service: Notifier, event_id: str) -> str | None:
    found = service.orchestrator.became(event_id)
    return found["disposition"] if found else None
