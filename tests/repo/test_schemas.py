"""The committed JSON Schemas are the messages' own: the face of Usher for other languages."""

import json

import jsonschema
import pytest

from contracts.__main__ import SCHEMAS, schemas


def test_the_schemas_are_those_of_the_messages() -> None:
    committed = {file.name: file.read_text() for file in SCHEMAS.iterdir()}
    assert committed == schemas(), "run `.venv/bin/python -m contracts`"


@pytest.mark.parametrize("name", schemas())
def test_a_schema_is_a_json_schema(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(schemas()[name]))
