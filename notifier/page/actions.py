"""The page's POST routes: start, send an event, resume, redrive. The starter publishes for them."""

import json
import uuid
from hashlib import sha256
from typing import Annotated, Any
from urllib.parse import parse_qsl, quote

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse

from contracts import redrive, strict_json
from contracts.refusal import Refused, with_field
from notifier.page import forms, redriving, starting
from notifier.page.feed import Filters
from notifier.page.rendering import page
from notifier.page.routes import INSTANCE, find, show_form
from notifier.routes import Service
from notifier.service_clients import Away


async def _form(request: Request) -> dict[str, str]:
    try:
        text = (await request.body()).decode()
        return dict(parse_qsl(text, True, errors="strict", max_num_fields=MOST_FIELDS))
    except ValueError as error:  # also a UnicodeDecodeError
        raise HTTPException(422, f"the form cannot be read: {error}") from error


Form = Annotated[dict[str, str], Depends(_form)]
router = APIRouter(include_in_schema=False)
MOST_FIELDS = 1000
ACCEPTED = "Accepted: the broker has it."


@router.post("/start/{workflow}")
def start(request: Request, service: Service, workflow: str, posted: Form) -> Response:
    """Start a workflow. If it would be refused, show the error at its field and publish nothing."""
    found = find(service, workflow)
    form = forms.fields(found["input_schema"], found["example"])
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
    try:
        answer = service.starter.start(workflow, body, chosen, key)
    except Away as away:
        return show_form(request, service, found, posted, {"": f"{away}."})
    if "instance_id" not in answer:
        errors = starting.refused([*form, INSTANCE], answer)
        return show_form(request, service, found, posted, errors)
    instance_id, event_id = answer["instance_id"], answer["event_id"]
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
    try:
        answer = service.starter.raise_event(instance_id, event, body, key)
    except Away as away:
        return _reply(request, False, f"Not sent: {away}.")
    if "instance_id" not in answer:
        return _reply(request, False, f"Not sent: {starting.detail(answer)}")
    return _reply(request, True, f"{ACCEPTED} {event} is on its way to {instance_id}.")


@router.post("/instances/{instance_id:path}/resume")
def resume(request: Request, service: Service, instance_id: str) -> Response:
    """Resume a suspended instance. A second press does nothing."""
    event = {
        "specversion": "1.0",
        "id": f"page-{uuid.uuid4()}",
        "source": "/usher/page",
        "type": "usher.command.v1",
        "data": {"instance_id": instance_id, "control": "resume"},
    }
    try:
        answer = service.starter.publish(json.dumps(event).encode())
    except Away as away:
        return _reply(request, False, f"Not sent: {away}.")
    if "instance_id" not in answer:
        return _reply(request, False, f"Not sent: {starting.detail(answer)}")
    return _reply(request, True, f"{ACCEPTED} {instance_id} will go on.")


@router.post("/dead-letters/redrive")
def send_all_again(request: Request, service: Service, posted: Form) -> Response:
    """Redrive all dead letters that the page's filters show, or preview that."""
    given = {name: posted.get(name, "") for name in Filters.model_fields if name != "limit"}
    letters = redriving.redrivable(service, Filters(**given))
    try:
        if posted.get("mode") != "real":
            return _reply(request, True, redriving.preview(service, letters))
    except Away as away:
        return _reply(request, False, f"Not done: {away}.")
    return _reply(request, *redriving.send_all(service, letters))


@router.post("/dead-letters/{letter_id:path}/redrive")
def send_again(request: Request, service: Service, letter_id: str, posted: Form) -> Response:
    """Redrive a dead letter, or preview that."""
    letter = service.dead_letters.get(letter_id)
    if letter is None:
        raise HTTPException(404, "this dead letter is no longer kept")
    if posted.get("attempts") != str(letter["attempts"]):
        return _reply(request, False, "It was dead-lettered again meanwhile: look at it once more.")
    if why := redrive.impossible(letter):
        return _reply(request, False, f"It cannot be sent again: {why}.")
    try:
        if posted.get("mode") != "real":
            answer = service.orchestrator.explain(redrive.cloudevent(letter))
            return _reply(request, True, _preview(answer))
        instance_id = redriving.send(service, letter)
    except Away as away:
        return _reply(request, False, f"Not done: {away}.")
    except redriving.NotSent as refused:
        return _reply(request, False, f"Refused: {refused}")
    return _reply(request, True, f"{ACCEPTED} It was sent again, for {instance_id}.")


def _key(*content: Any) -> str:
    """Return the idempotency key of a form: the same for the same content, sent twice.

    A form that was changed after it was sent is another request.
    """
    return f"page-{sha256(json.dumps(content).encode()).hexdigest()[:24]}"


def _preview(explained: dict[str, Any]) -> str:
    what = str(explained.get("disposition", "unknown")).replace("_", "-")
    where = f", for {explained['instance_id']}" if explained.get("instance_id") else ""
    why = (
        f": {with_field(explained.get('field'), explained['message'])}"
        if explained.get("message")
        else ""
    )
    return f"It would be {what}{where}{why}. Nothing was done."


def _reply(request: Request, ok: bool, text: str) -> Response:
    """Return a text: as JSON for the page's script, as a page for a browser without scripts."""
    status = 200 if ok else 422
    if "usher-inline" in request.headers:
        return JSONResponse({"ok": ok, "text": text}, status)
    return page(request, "result.html", status, ok=ok, text=text)
