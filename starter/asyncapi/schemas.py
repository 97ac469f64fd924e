"""The document's schemas: JSON Schemas of pydantic as draft-07, which is what AsyncAPI has.

A tool resolves `$ref` wherever it sees one, also in data. So data that hold one are left out, as
are fields of that name.
"""

from collections.abc import Mapping
from typing import Any

from starter.asyncapi.keys import Keys

Schema = dict[str, Any]

_SCHEMAS = frozenset(
    (
        *("items", "additionalItems", "contains", "additionalProperties", "propertyNames"),
        *("not", "if", "then", "else", "allOf", "anyOf", "oneOf"),
    )
)
_BY_NAME = frozenset(("properties", "patternProperties"))
_DEFINITIONS = ("$defs", "definitions")
_DROPPED = frozenset((*_DEFINITIONS, "$schema", "$id", "discriminator", "prefixItems"))
"""`discriminator` is a text in AsyncAPI and an object in OpenAPI; `oneOf` says the same."""


def reference(kind: str, key: str) -> Schema:
    """Return a reference to a component."""
    return {"$ref": f"#/components/{kind}/{key}"}


def refers(value: Any) -> bool:
    """Whether data hold a member `$ref`, which a tool would take for a reference."""
    if isinstance(value, Mapping):
        return "$ref" in value or any(refers(one) for one in value.values())
    return isinstance(value, list) and any(refers(one) for one in value)


def tolerant(schema: Any) -> Any:
    """Return a schema without `additionalProperties: false`: objects may have more fields."""
    if isinstance(schema, list):
        return [tolerant(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    is_closed = schema.get("additionalProperties") is False
    kept = {k: v for k, v in schema.items() if k != "additionalProperties"} if is_closed else schema
    within = (*_SCHEMAS, *_BY_NAME, *_DEFINITIONS, "prefixItems")
    return {
        name: {key: tolerant(one) for key, one in value.items()}
        if name in (*_BY_NAME, *_DEFINITIONS) and isinstance(value, dict)
        else tolerant(value)
        if name in within
        else value
        for name, value in kept.items()
    }


class Schemas:
    """Collects schemas as components. Every reference in them is to another component."""

    def __init__(self) -> None:
        self._keys = Keys()
        self._found: dict[str, Schema] = {}

    def add(self, name: str, schema: Any) -> Schema:
        """Add a schema with its definitions, and return a reference to it."""
        own = reference("schemas", self._keys.key(name))
        definitions = {
            f"#/{where}/{label}": (label, value)
            for where in _DEFINITIONS
            for label, value in (schema.get(where, {}) if isinstance(schema, dict) else {}).items()
        }
        places = {"#": own} | {
            place: reference("schemas", self._keys.key(name, label))
            for place, (label, _) in definitions.items()
        }
        for place, (_, value) in definitions.items():
            self._keep(places[place], _converted(value, places))
        self._keep(own, _converted(schema, places))
        return own

    def all(self) -> dict[str, Schema]:
        """Return the schemas by key, in the order of their keys."""
        return dict(sorted(self._found.items()))

    def _keep(self, at: Schema, schema: Any) -> None:
        self._found[at["$ref"].rpartition("/")[2]] = schema


def _converted(schema: Any, places: Mapping[str, Schema]) -> Any:
    """Return a schema as draft-07 of which each reference is one of `places`; others mean any."""
    if not isinstance(schema, dict):
        return schema
    if isinstance(target := schema.get("$ref"), str):
        found = places.get(target.replace("~1", "/").replace("~0", "~"), {})
        others = {name: value for name, value in schema.items() if name != "$ref"}
        beside: Schema = _converted(others, places)
        if not (found and beside):
            return found or beside
        return {**beside, "allOf": [*beside.get("allOf", ()), found]}
    converted: Schema = {}
    for name, value in schema.items():
        if name in _BY_NAME and isinstance(value, dict):
            fields = {key: one for key, one in value.items() if key != "$ref"}
            converted[name] = {key: _converted(one, places) for key, one in fields.items()}
        elif name in _SCHEMAS:
            many = isinstance(value, list)
            converted[name] = (
                [_converted(one, places) for one in value] if many else _converted(value, places)
            )
        elif name not in _DROPPED and not refers(value):
            converted[name] = value
    if isinstance(first := schema.get("prefixItems"), list):
        if "items" in converted:
            converted["additionalItems"] = converted["items"]
        converted["items"] = [_converted(one, places) for one in first]
    return converted
