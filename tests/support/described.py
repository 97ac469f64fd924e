"""What the AsyncAPI document is made of, and its references followed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from contracts.http import Workflow
from contracts.routes.route import Route
from contracts.served_routes import ServedRoute
from orchestrator.authoring.catalogue import Catalogue
from orchestrator.intake.routed_arrivals import Router

WORKFLOWS = Path(__file__).parent / "workflows"


def served(*routes: Route) -> list[ServedRoute]:
    """Return routes as the orchestrator shows them."""
    return Router(routes, {}).report().items


def workflow(name: str, schema: Any = None, example: Any = None) -> Workflow:
    return Workflow(
        name=name, description="", input_schema=schema or {}, example=example, announce=True
    )


def of_the_tests() -> tuple[list[Workflow], list[ServedRoute]]:
    """Return the workflows and routes of the tests and of the samples."""
    catalogue = Catalogue.scan([WORKFLOWS], samples=True)
    workflows = [
        Workflow(
            name=definition.name,
            description=definition.description,
            input_schema=definition.input_schema(),
            example=definition.tag.example,
            announce=definition.tag.announce,
        )
        for definition in catalogue.workflows.values()
    ]
    return workflows, served(*catalogue.routes)


def references(value: Any) -> Iterator[str]:
    """Yield every reference in a document, wherever a tool would find it."""
    if isinstance(value, dict):
        if isinstance(target := value.get("$ref"), str):
            yield target
        for one in value.values():
            yield from references(one)
    elif isinstance(value, list):
        for one in value:
            yield from references(one)


def followed(document: Any, target: str) -> Any:
    """Return what a reference names. Raises KeyError if there is nothing."""
    assert target.startswith("#/"), target
    found = document
    for name in target[2:].split("/"):
        found = found[name]
    return found


HOSTILE_SCHEMA: dict[str, Any] = {
    "$defs": {
        "Lein/e~ \N{GRINNING FACE}": {"type": "object", "properties": {"up": {"$ref": "#"}}},
        "Cat": {"properties": {"kind": {"const": "cat"}, "$ref": {"type": "string"}}},
    },
    "discriminator": {"propertyName": "kind", "mapping": {"cat": "#/$defs/Cat"}},
    "anyOf": [{"$ref": "#/$defs/Cat"}, {"$ref": "#/$defs/Lein~1e~0 \N{GRINNING FACE}"}],
    "properties": {
        "pair": {"prefixItems": [{"type": "string"}, {"$ref": "#/$defs/Cat"}], "items": False},
        "away": {"$ref": "https://example.com/schema.json", "description": "elsewhere"},
        "lost": {"$ref": "#/$defs/Nobody"},
        "deep": {"$ref": "#/properties/pair"},
        "data": {"type": "object", "default": {"$ref": "#/nowhere"}},
        "items": {"description": "a `field` with the name of a keyword", "type": "array"},
    },
    "examples": [{"$ref": "file:///etc/passwd"}],
}
"""A schema with all that a tool could stumble over."""
