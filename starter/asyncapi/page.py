"""The page that shows the AsyncAPI document: plain HTML, without scripts or a network."""

import json
import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from contracts import printable
from contracts.http import Problem
from starter.asyncapi.draft import Json

HERE = Path(__file__).parent
_JOINED = {"allOf": " and ", "anyOf": " or ", "oneOf": " or "}


def page(document: Json) -> HTMLResponse:
    """Render a document."""
    return _rendered("page.html", 200, document=document, channels=_channels(document))


def away(problem: Problem) -> HTMLResponse:
    """Render why there is no document now."""
    return _rendered("away.html", problem.status, problem=problem)


def _rendered(name: str, status: int, **values: Any) -> HTMLResponse:
    text = _templates().get_template(name).render(style=_style(), **values)
    return HTMLResponse(text, status, _headers())


def _channels(document: Json) -> list[Json]:
    """Return the channels with their operations and messages in place of references."""
    messages = document["components"]["messages"]
    return [
        {
            **channel,
            "key": key,
            "operations": [
                operation
                for operation in document["operations"].values()
                if operation["channel"]["$ref"] == f"#/channels/{key}"
            ],
            "messages": {name: messages[name] for name in channel["messages"]},
        }
        for key, channel in document["channels"].items()
    ]


def kind(schema: Any) -> Markup:
    """Return in a few words what a schema allows, with links to the schemas that it names."""
    if not isinstance(schema, dict) or not schema:
        return Markup("nothing" if schema is False else "any value")
    if "$ref" in schema:
        key = schema["$ref"].rpartition("/")[2]
        return Markup('<a href="#schema-{0}">{0}</a>').format(key)
    for name in ("const", "enum"):
        if name in schema:
            values = [schema[name]] if name == "const" else schema[name]
            shown = [Markup("<code>{}</code>").format(_brief(value)) for value in values]
            return Markup(" or ").join(shown)
    for name, joined in _JOINED.items():
        if name in schema:
            return Markup(joined).join(kind(one) for one in schema[name])
    found = schema.get("type", "object" if "properties" in schema else "any value")
    if found == "array" and isinstance(schema.get("items"), dict):
        return Markup("array of {}").format(kind(schema["items"]))
    return Markup("{}").format(" or ".join(found) if isinstance(found, list) else found)


def parts(schema: Any) -> list[Json]:
    """Return the schemas that all hold: that of the envelope, and what a message adds."""
    found: list[Json] = schema.get("allOf", [schema]) if isinstance(schema, dict) else []
    return found


def bounds(schema: Any) -> str:
    """Return the limits and the default of a field, in words."""
    if not isinstance(schema, dict):
        return ""
    words = {
        "minLength": "at least {} characters",
        "maxLength": "at most {} characters",
        "pattern": "pattern {}",
        "minimum": "at least {}",
        "exclusiveMinimum": "more than {}",
        "maximum": "at most {}",
        "exclusiveMaximum": "less than {}",
        "format": "{}",
    }
    said = [text.format(schema[name]) for name, text in words.items() if name in schema]
    if schema.get("default") is not None:
        said.append(f"default {_brief(schema['default'])}")
    return ", ".join(said)


def prose(text: str) -> Markup:
    """Return text of the document as HTML, with Markdown's code as code."""
    found = Markup("")
    for n, piece in enumerate(re.split(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", text)):
        if n % 3 == 0:
            found += printable.lines(piece)
        elif n % 3 == 2:
            found += Markup("<code>{}</code>").format(printable.one_line(piece.strip()))
    return found


def _brief(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return printable.one_line(text if len(text) <= 200 else f"{text[:200]}…")


def _harmless(value: Any) -> Any:
    plain = isinstance(value, str) and not isinstance(value, Markup)
    return printable.lines(value) if plain else value


@cache
def _style() -> Markup:
    return Markup((HERE / "page.css").read_text())


@cache
def _headers() -> dict[str, str]:
    own = b64encode(sha256(_style().encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{own}'; img-src data:; "
        "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    )
    return {
        "content-security-policy": policy,
        "x-content-type-options": "nosniff",
        "referrer-policy": "same-origin",
        "cache-control": "no-store",
    }


@cache
def _templates() -> Environment:
    templates = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_harmless,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {"prose": prose, "kind": kind, "parts": parts, "bounds": bounds}
    templates.filters |= {"json": printable.as_json}
    return templates
