"""The page's POST routes: start, send an event, resume, redrive. The starter publishes for them."""

import json
import uuid
from asyncio import to_thread
from collections import Counter
from hashlib import sha256
from typing import Annotated, Any
from urllib.parse import parse_qsl, quote

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse

from contracts import calls, strict_json
from contracts.calls import Call
from contracts.http import Accepted
from contracts.records import DeadLetter, RedriveItem
from contracts.refusal import Refused, with_field
from contracts.written import command_of
from notifier.page import forms, starting
from notifier.page.feed import Filters
from notifier.page.rendering import page
from notifier.page.routes import INSTANCE, find, show_form
from notifier.redrive import Chosen, can_redrive
from notifier.routes import Service
from notifier.service import Notifier
from notifier.service_clients import Away, Refusal


async def _form(request: Request) -> dict[str, str]:
    try:
        text = (await request.body()).decode()
        return dict(parse_qsl(text, True, errors="strict", max_num_fields=MOST_FIELDS))
    except ValueError as error:  # also a UnicodeDecodeError
        raise HTTPException(422, f"the form cannot be read: {error}") from error


Form = Annotated[dict[str, str], Depends(_form)]
router = APIRouter(include_in_schema=False)
MOST_FIELDS = 1000
MOST = 250
"""How many dead letters are sent at one press, the oldest first."""
ACCEPTED = "Accepted: the broker has it."


@router.post("/start/{workflow}")
def start(request: Request, service: Service, workflow: str, posted: Form) -> Response:
    """Start a workflow. If it would be refused, show the error at its field and publish nothing."""
    found = find(service, workflow)
    form = forms.fields(found.input_schema, found.example)
    value, errors = forms.read(form, posted)
    chosen = posted.get(INSTANCE.name, "").strip()
    command = {"workflow": workflow, "input": value}
    if chosen:
        command["instance_id"] = chosen
    key = _key(posted.get("key") or str(uuid.uuid4()), command)
    if not errors:
        errors = starting.objections(service, form, command, key)
    if errors:
        return show_form(request, service, found, posted, errors)
    body = b"" if value is None else json.dumps(value).encode()
    call = calls.start(workflow, body, instance_id=chosen or None, event_id=key)
    try:
        accepted = service.starter.ask(call)
    except Refusal as refusal:
        errors = starting.refused([*form, INSTANCE], refusal)
        return show_form(request, service, found, posted, errors)
    except Away as away:
        return show_form(request, service, found, posted, {"": f"{away}."})
    instance_id, event_id = accepted.instance_id or "", accepted.event_id
    disposition = starting.disposition(service, event_id, chosen)
    if disposition in starting.NOT_STARTED:
        errors = {INSTANCE.name: starting.NOT_STARTED[disposition].format(instance_id)}
        return show_form(request, service, found, {**posted, "key": str(uuid.uuid4())}, errors)
    sent = "" if disposition else f"?sent={quote(event_id)}"
    return RedirectResponse(f"/instances/{quote(instance_id)}{sent}", 303)


@router.post("/instances/{instance_id:path}/events/{event:path}")
def send_event(
    request: Request, service: Service, instance_id: str, event: str, posted: Form
) -> Response:
    """Send an event. The same data for the same wait is one event, however often it is sent."""
    text = posted.get("data", "").strip()
    try:
        data = strict_json.loads(text.encode()) if text else None
    except Refused as refused:
        return _reply(request, False, f"Not sent: {refused.message}")
    key = _key(instance_id, event, posted.get("since"), data)
    body = b"" if data is None else text.encode()
    call = calls.raise_event(instance_id, event, body, event_id=key)
    return _send(request, service, call, f"{event} is on its way to {instance_id}.")


@router.post("/instances/{instance_id:path}/resume")
def resume(request: Request, service: Service, instance_id: str) -> Response:
    """Resume a suspended instance. A second press does nothing."""
    command = {"instance_id": instance_id, "control": "resume"}
    call = calls.publish(command_of("/usher/page", command))
    return _send(request, service, call, f"{instance_id} will go on.")


def _send(request: Request, service: Notifier, call: Call[Accepted], done: str) -> Response:
    try:
        service.starter.ask(call)
    except Refusal as refusal:
        return _reply(request, False, f"Not sent: {refusal}")
    except Away as away:
        return _reply(request, False, f"Not sent: {away}.")
    return _reply(request, True, f"{ACCEPTED} {done}")


@router.post("/redrive")
async def send_all_again(request: Request, service: Service, posted: Form) -> Response:
    """Redrive the dead letters that the page's filters show, or preview that."""
    given = {name: posted.get(name, "") for name in Filters.model_fields if name != "limit"}
    filters, dry_run = Filters(**given), posted.get("mode") != "real"

    def wanted(letter: DeadLetter) -> bool:
        return filters.wants_letter(letter) and can_redrive(letter)

    chosen = await to_thread(service.redriver.choose, wanted)
    counts, away = Counter[str](), ""
    try:
        async for item in service.redriver.each(chosen[:MOST], dry_run=dry_run):
            counts[str(item.would if dry_run else item.done)] += 1
    except Away as error:
        away = str(error)
    if not dry_run:
        return _reply(request, *_sent_again(counts, len(chosen), away))
    if away:
        return _reply(request, False, f"Not done: {away}.")
    return _reply(request, True, _would_be(counts, len(chosen)))


def _would_be(counts: Counter[str], chosen: int) -> str:
    """Return what a redrive would do."""
    each = ", ".join(f"{n} {what.replace('_', '-')}" for what, n in counts.most_common())
    later = f" The oldest {MOST} of {chosen:,} go first." if chosen > MOST else ""
    return f"{counts.total()} would be sent again: {each or 'none'}.{later} Nothing was done."


def _sent_again(counts: Counter[str], chosen: int, away: str) -> tuple[bool, str]:
    """Return whether all were accepted, and what was done."""
    sent, refused, left = counts["published"], counts["refused"], chosen - counts.total()
    rest = f", {left:,} are left" if left else ""
    no = f", {refused} were refused" if refused else ""
    then = f" Then: {away}" if away else ""
    return not (refused or away), f"{sent} sent again{no}{rest}.{then}"


@router.post("/dead-letters/{letter_id:path}/redrive")
def send_again(request: Request, service: Service, letter_id: str, posted: Form) -> Response:
    """Redrive a dead letter, or preview that."""
    letter = service.dead_letters.get(letter_id)
    if letter is None:
        raise HTTPException(404, "this dead letter is no longer kept")
    if posted.get("attempts") != str(letter.attempts):
        return _reply(request, False, "It was dead-lettered again meanwhile: look at it once more.")
    dry_run = posted.get("mode") != "real"
    try:
        item = service.redriver.redrive(Chosen.of(letter), dry_run=dry_run)
    except Away as away:
        return _reply(request, False, f"Not done: {away}.")
    outcome = item.would if dry_run else item.done
    if outcome in ("impossible", "skipped"):
        return _reply(request, False, f"It cannot be sent again: {item.message}.")
    if outcome == "refused":
        return _reply(request, False, f"Refused: {with_field(item.field, item.message or '')}")
    if dry_run:
        return _reply(request, True, _preview(item))
    return _reply(request, True, f"{ACCEPTED} It was sent again, for {item.instance_id}.")


def _key(*content: Any) -> str:
    """Return the idempotency key of a form: the same for the same content, sent twice.

    A form that was changed after it was sent is another request.
    """
    return f"page-{sha256(json.dumps(content).encode()).hexdigest()[:24]}"


def _preview(item: RedriveItem) -> str:
    what = str(item.would).replace("_", "-")
    where = f", for {item.instance_id}" if item.instance_id else ""
    why = f": {with_field(item.field, item.message)}" if item.message else ""
    return f"It would be {what}{where}{why}. Nothing was done."


def _reply(request: Request, ok: bool, text: str) -> Response:
    """Return a text: as JSON for the page's script, as a page for a browser without scripts."""
    status = 200 if ok else 422
    if "usher-inline" in request.headers:
        return JSONResponse({"ok": ok, "text": text}, status)
    return page(request, "result.html", status, ok=ok, text=text)
