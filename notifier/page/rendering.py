"""Renders the page's templates: every value is escaped, and made harmless to look at."""

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

from contracts import printable, redrive
from contracts.refusal import shortened
from notifier.page.guard import HEADERS

_log = structlog.get_logger()
HERE = Path(__file__).parent
_BROKEN_ROW = Markup(
    '<li class="row letter" data-key="{0}">'
    '<p class="body">A record that cannot be shown: <bdi>{0}</bdi></p><pre>{1}</pre></li>'
)
SHOWN, BRIEF = 2000, 160
"""So many characters of a payload are shown; and where there is one line for it."""


def page(request: Request, name: str, status: int = 200, **values: Any) -> HTMLResponse:
    """Render a template as an answer. `missing` are the sources of the page that do not answer."""
    values = {"missing": [], "can_send": True, **values}
    text = _templates().get_template(name).render(path=request.url.path, **values)
    return HTMLResponse(text, status, HEADERS)


def payload(value: object) -> str:
    """Return JSON as text, cut where it is very long."""
    return printable.lines(_beginning(value, SHOWN, indent=2))


def brief(value: object) -> str:
    """Return JSON as one line of text, cut where it is long."""
    return printable.one_line(_beginning(value, BRIEF))


def _beginning(value: object, most: int, indent: int | None = None) -> str:
    """Return how a value begins as JSON; the rest of a large one is not written at all."""
    text = ""
    for piece in json.JSONEncoder(ensure_ascii=False, indent=indent).iterencode(_cut(value)):
        text += piece
        if len(text) > most:
            return f"{text[:most]}…"
    return text


def _cut(value: Any) -> Any:
    """Cut texts that are very long, at the top of a value: they are written in one piece."""
    if isinstance(value, str):
        return shortened(value, SHOWN)
    if isinstance(value, dict):
        return {name: shortened(v, SHOWN) if isinstance(v, str) else v for name, v in value.items()}
    return value


def row(draw: Callable[[Any], str], one: dict[str, Any]) -> str:
    """Draw one record of a list. One that cannot be drawn shows as broken; the others show."""
    try:
        return draw(one)
    except Exception:
        _log.exception("a record cannot be drawn", id=one.get("id"))
        said = (
            '<li class="row letter" data-key="{0}"><p class="body">A record that cannot be shown:'
        )
        return Markup(said + " <bdi>{0}</bdi></p><pre>{1}</pre></li>").format(
            printable.one_line(str(one.get("id"))), payload(repr(one))
        )


def took(seconds: float | None) -> str:
    """Return a length of time as people say it."""
    if seconds is None:
        return "so far"
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    told = [(days, "d"), (hours, "h"), (minutes, "min"), (rest, "s")]
    return " ".join(f"{n} {unit}" for n, unit in told if n)


def prose(text: str) -> Markup:
    """Return what an author wrote, with what stands in backticks as code."""
    parts = printable.lines(text).split("`")
    code = Markup("<code>{}</code>")
    return Markup("").join(code.format(p) if n % 2 else p for n, p in enumerate(parts))


def moment(value: str | datetime) -> Markup:
    """Return a time as an element; the script shows it in the reader's own time zone."""
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
    """A name for this version of the static files, so that no browser keeps an old one."""
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
