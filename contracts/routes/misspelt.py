"""Finds steps of a path that are nearly fields of a JSON Schema, or of another path."""

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

_SIMILAR = 0.85
"""How alike two names are, of 1, for one to be taken for the other."""


def misspelt(steps: Sequence[str], schema: Mapping[str, Any], shown: Any = None) -> str | None:
    """Return what is wrong with the first step that is nearly a field; None if there is none.

    `shown` is data as they come. What they have is right, whatever the schema says.
    """
    within: list[Any] = [schema]
    for step in steps:
        objects = [found for one in within for found in _objects(one, schema)]
        is_shown = isinstance(shown, Mapping) and step in shown
        for one in () if is_shown or any(step in o["properties"] for o in objects) else objects:
            if near := get_close_matches(step, one["properties"], 1, cutoff=_SIMILAR):
                model = one.get("title", "the input")
                return f"{step!r} is not in {model}; did you mean {near[0]!r}?"
        within = [one["properties"][step] for one in objects if step in one["properties"]]
        shown = shown[step] if is_shown else None
    return None


def nearly(steps: Sequence[str], known: Sequence[str]) -> bool:
    """Return whether two paths differ in one step, whose names are alike."""
    if len(steps) != len(known):
        return False
    apart = [(one, other) for one, other in zip(steps, known, strict=True) if one != other]
    return len(apart) == 1 and bool(get_close_matches(apart[0][0], apart[0][1:], 1, _SIMILAR))


def _objects(
    schema: Any, root: Mapping[str, Any], seen: frozenset[str] = frozenset()
) -> Iterator[Mapping[str, Any]]:
    """Yield the schemas of objects that a schema stands for, through its references and choices."""
    if not isinstance(schema, Mapping):
        return
    if isinstance(schema.get("properties"), Mapping):
        yield schema
    target = schema.get("$ref")
    if isinstance(target, str) and target not in seen and target.startswith("#/$defs/"):
        found = root.get("$defs", {}).get(target.removeprefix("#/$defs/"))
        yield from _objects(found, root, seen | {target})
    for choice in ("anyOf", "oneOf", "allOf"):
        for one in schema.get(choice, ()):
            yield from _objects(one, root, seen)
