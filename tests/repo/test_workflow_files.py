"""Every workflow found, whoever adds it: one file, its own name, and an example that works."""

import json
from pathlib import Path

import jsonschema
import pytest

from orchestrator.authoring.catalogue import SAMPLES, Catalogue
from orchestrator.runs.definition import Definition
from orchestrator.runs.reserved import ANNOUNCE

FOUND = Catalogue.scan()
MODELS = [
    definition
    for definition in FOUND.workflows.values()
    if isinstance(definition.tag.example, dict)
    and definition.input_schema().get("type") == "object"
]
"""Those whose input is a model, with an example."""
FILES = sorted(file for file in SAMPLES.glob("*.py") if not file.name.startswith("_"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_file_carries_the_workflow_of_its_name(file: Path) -> None:
    assert FOUND.workflows[file.stem].file == file


def test_the_folder_is_flat_and_all_of_it_is_found() -> None:
    assert set(SAMPLES.rglob("*.py")) - {SAMPLES / "__init__.py"} == set(FILES)
    assert {definition.file for definition in FOUND.workflows.values()} == set(FILES)


@pytest.mark.parametrize("definition", FOUND.workflows.values(), ids=lambda found: found.name)
def test_a_workflow_is_described_and_its_example_is_an_input_that_it_takes(
    definition: Definition,
) -> None:
    assert definition.description
    example = definition.tag.example
    assert json.loads(json.dumps(example)) == example
    definition.parse(example)
    if example is not None:
        schema = definition.input_schema()
        jsonschema.Draft202012Validator.check_schema(schema)
        jsonschema.validate(example, schema)


@pytest.mark.parametrize("definition", MODELS, ids=lambda found: found.name)
def test_a_field_that_a_workflow_does_not_know_is_refused(definition: Definition) -> None:
    with pytest.raises(Exception, match="no_such_field"):
        definition.parse({**definition.tag.example, "no_such_field": 1})


@pytest.mark.parametrize("name", FOUND.activities)
def test_an_activity_is_described_and_its_name_is_not_ours(name: str) -> None:
    assert FOUND.activities[name].__doc__
    assert name != ANNOUNCE
