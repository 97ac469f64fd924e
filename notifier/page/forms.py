"""A form from a workflow's input schema: a field for each simple type, JSON for the rest."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from contracts import strict_json
from contracts.refusal import Refused

Schema = dict[str, Any]
Kind = Literal["text", "number", "boolean", "choice", "json"]
ROOT = "input"
_DEEPEST = 20
"""How many references in a row are followed, as a schema may refer to itself."""
_KINDS: dict[str, Kind] = {
    "string": "text",
    "integer": "number",
    "number": "number",
    "boolean": "boolean",
}


@dataclass(frozen=True)
class Field:
    """A field of a form. `name` is the path that the orchestrator's errors use."""

    name: str
    label: str
    kind: Kind
    value: str
    help: str = ""
    required: bool = False
    choices: tuple[str, ...] = ()


def fields(schema: Schema, example: Any) -> list[Field]:
    """Return the fields of an input; the single field `input` if the input is no object."""
    root = _branch(schema, schema, example)
    properties = root.get("properties")
    if not isinstance(properties, dict) or not properties:
        return [_field(schema, schema, ROOT, "Input", example, required=False)]
    given = example if isinstance(example, dict) else {}
    required = root.get("required", [])
    return [
        _field(schema, part, f"{ROOT}.{name}", name, given.get(name), required=name in required)
        for name, part in properties.items()
    ]


def read(form: list[Field], posted: Mapping[str, str]) -> tuple[Any, dict[str, str]]:
    """Return the input of a posted form, and errors by field. Empty fields are left out."""
    found: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for field in form:
        text = posted.get(field.name, "")
        if not text.strip() and not (field.required and field.kind == "text"):
            continue
        try:
            found[field.name] = _value(field, text)
        except ValueError as error:
            errors[field.name] = str(error)
    if [field.name for field in form] == [ROOT]:
        return found.get(ROOT), errors
    return {name.removeprefix(f"{ROOT}."): value for name, value in found.items()}, errors


def field_of(form: list[Field], path: str | None) -> str:
    """Return the name of the field that contains an error's path; "" if none does."""
    inside = [f.name for f in form if path and f"{path}.".startswith(f"{f.name}.")]
    return max(inside, key=len, default="")


def _value(field: Field, text: str) -> Any:
    if field.kind in ("text", "choice"):
        return text
    try:
        value = strict_json.loads(text.encode())
    except Refused as error:
        raise ValueError("write a number" if field.kind == "number" else error.message) from error
    if field.kind == "number" and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise ValueError("write a number")
    return value


def _field(
    whole: Schema, part: Schema, name: str, label: str, example: Any, *, required: bool
) -> Field:
    if example is None:
        example = part.get("default")
    branch = _branch(whole, part, example)
    choices = tuple(str(choice) for choice in branch.get("enum", []) if isinstance(choice, str))
    kind: Kind = "choice" if choices else _KINDS.get(str(branch.get("type")), "json")
    simple = kind in ("text", "choice") and isinstance(example, str)
    if example is None:
        value = ""
    else:
        value = example if simple else json.dumps(example, ensure_ascii=False, indent=2)
    description = part.get("description") or branch.get("description") or ""
    help_text = description if name != ROOT else ""
    return Field(name, label, kind, value, help_text, required, choices)


def _branch(whole: Schema, part: Schema, example: Any, depth: int = 0) -> Schema:
    """Follow references, and pick the alternative that the example fits."""
    if depth > _DEEPEST:
        return {}
    if "$ref" in part:
        target = whole.get("$defs", {}).get(part["$ref"].rpartition("/")[2], {})
        return _branch(whole, target, example, depth + 1)
    for alternatives in (part.get("anyOf"), part.get("oneOf"), part.get("allOf")):
        if alternatives:
            found = [_branch(whole, schema, example, depth + 1) for schema in alternatives]
            some = [schema for schema in found if schema.get("type") != "null"]
            fitting = some if len(some) == 1 else [s for s in some if _fits(s, example)]
            return fitting[0] if fitting else {}
    return part


def _fits(schema: Schema, example: Any) -> bool:
    types = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int}
    return isinstance(example, types.get(str(schema.get("type")), float))
