"""Renders the page's templates, with HTML and control characters in values escaped."""

import hashlib
import json
from collections.abc import Callable
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import structlog
from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from pydantic import BaseModel

from contracts import printable, redrive
from contracts.records import DeadLetter, Notice
from contracts.refusal import shortened

_log = structlog.get_logger()
HERE = Path(__file__).parent
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}
"""Security headers: no foreign code runs in a page, and no other site can frame it."""
_BROKEN_ROW = Markup(
    '<li class="row letter" data-key="{0}">'
    '<p class="body">A record that cannot be shown: <bdi>{0}</bdi></p><pre>{1}</pre></li>'
)
SHOWN, BRIEF = 2000, 160
"""How many characters of a payload are shown; and how many on one line."""


def page(request: Request, name: str, status: int = 200, **values: Any) -> HTMLResponse:
    """Render a template as a response. `missing` are the services that do not answer."""
    values = {"missing": [], "can_send": True, **values}
    text = _templates().get_template(name).render(path=request.url.path, **values)
    return HTMLResponse(text, status, HEADERS)


def payload(value: object) -> str:
    """Return JSON as indented text, cut after `SHOWN` characters."""
    return printable.lines(_beginning(value, SHOWN, indent=2))


def brief(value: object) -> str:
    """Return JSON as one line of text, cut after `BRIEF` characters."""
    return printable.one_line(_beginning(value, BRIEF))


def _beginning(value: object, most: int, indent: int | None = None) -> str:
    """Return the first characters of a value as JSON, without encoding the rest."""
    text = ""
    for piece in json.JSONEncoder(ensure_ascii=False, indent=indent).iterencode(_cut(value)):
        text += piece
        if len(text) > most:
            return f"{text[:most]}…"
    return text


def _cut(value: Any) -> Any:
    """Cut long texts at the top level of a value, as the encoder writes a text in one piece."""
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json", exclude_unset=True)
    if isinstance(value, str):
        return shortened(value, SHOWN)
    if isinstance(value, dict):
        return {name: shortened(v, SHOWN) if isinstance(v, str) else v for name, v in value.items()}
    return value


def row(draw: Callable[[Any], str], record: Notice | DeadLetter) -> str:
    """Render a record of a list, or a substitute if that fails, so that the others still show."""
    try:
        return draw(record)
    except Exception:
        _log.exception("a record cannot be rendered", id=record.id)
        return _BROKEN_ROW.format(printable.one_line(record.id), payload(repr(record)))


def took(seconds: float | None) -> str:
    """Return a duration as text, such as `1 h 5 min`."""
    if seconds is None:
        return "so far"
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (rest, "s")]
    return " ".join(f"{n} {unit}" for n, unit in parts if n)


def prose(text: str) -> Markup:
    """Return an author's text as HTML, with text in backticks as code."""
    parts = printable.lines(text).split("`")
    code = Markup("<code>{}</code>")
    return Markup("").join(code.format(p) if n % 2 else p for n, p in enumerate(parts))


def moment(value: str | datetime) -> Markup:
    """Return a time as a `<time>` element; the script shows it in the reader's time zone."""
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        return Markup("<span>{}</span>").format(brief(value))
    element = Markup('<time datetime="{}" title="{} UTC">{}</time>')
    return element.format(at.isoformat(), f"{at:%Y-%m-%d %H:%M:%S.%f}"[:-3], f"{at:%H:%M:%S}")


def _harmless(value: Any) -> Any:
    return (
        printable.lines(value)
        if isinstance(value, str) and not isinstance(value, Markup)
        else value
    )


@cache
def _version() -> str:
    """Return the version of the static files, in their URLs, so that browsers load new ones."""
    files = sorted((HERE / "static").iterdir())
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]


@cache
def _templates() -> Environment:
    templates = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_harmless,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {"payload": payload, "brief": brief, "prose": prose}
    templates.filters |= {"took": took, "moment": moment}
    templates.globals |= {"version": _version(), "impossible": redrive.impossible, "row": row}
    return templates
