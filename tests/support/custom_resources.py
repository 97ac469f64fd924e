"""The JSON Schemas of custom resources, from the definitions that a cluster would have of them."""

from pathlib import Path
from typing import Any

import yaml

Schema = dict[str, Any]


def schema_of(definitions: Path, api_version: str, kind: str) -> Schema:
    """Return the JSON Schema of a custom resource, strict: it refuses fields it does not know.

    A cluster would drop such a field without a word.
    """
    for file in sorted(definitions.glob("*.yaml")):
        text = file.read_text()
        if f"kind: {kind}\n" not in text:  # they are long, and slow to read
            continue
        for definition in yaml.safe_load_all(text):
            spec = definition["spec"]
            for version in spec["versions"]:
                served = f"{spec['group']}/{version['name']}", spec["names"]["kind"]
                if version["served"] and served == (api_version, kind):
                    found: Schema = _strict(version["schema"]["openAPIV3Schema"])
                    found["properties"]["metadata"] = {"type": "object"}
                    return found
    raise LookupError(f"{definitions} has no {kind} of {api_version}")


def _strict(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    strict = {key: _strict(value) for key, value in schema.items()}
    open_ended = strict.get("x-kubernetes-preserve-unknown-fields", False)
    if isinstance(strict.get("properties"), dict) and "type" in strict and not open_ended:
        strict.setdefault("additionalProperties", False)
    return strict
