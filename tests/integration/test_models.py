"""The author's model decides: what it takes, what it is called, and how it is handed on."""

from typing import Any

import pytest

from tests.integration.test_outcomes import others_are_served
from tests.support.driver import Driver, fresh


def output_of(usher: Driver, workflow: str, **command: Any) -> Any:
    instance_id = fresh("model")
    usher.request(workflow, instance_id=instance_id, **command)
    notice = usher.notice(instance_id)
    assert notice["outcome"] == "COMPLETED", notice["error"]
    return notice["output"]


def test_dataclasses_and_tuples_go_through_every_door(usher: Driver) -> None:
    assert output_of(usher, "models_workflow", input={"x": 1, "y": 2}) == {
        "moved": {"x": 7, "y": 2},
        "pair": [1, "2"],
        "nested": {"points": [{"x": 7, "y": 0}, {"x": 9, "y": 0}], "pair": [1, "2.5"], "set": [3]},
        "child": {"x": 6, "y": 2},
        "point": {"x": 5, "y": 2},
    }
    others_are_served(usher)


def test_a_strict_model_with_an_alias_is_read_as_json_and_written_by_its_alias(
    usher: Driver,
) -> None:
    given = {"parcelId": 1, "due": "2031-02-03", "colour": "blue", "points": [{"x": 1}]}
    assert output_of(usher, "parcel_workflow", input=given) == {
        "parcelId": 3,
        "due": "2031-02-03",
        "colour": "blue",
        "points": [{"x": 1, "y": 0}],
    }


@pytest.mark.parametrize(
    ("workflow", "command", "output"),
    [
        ("open_workflow", {"input": {"more": [1]}}, {"known": 1, "inner": None, "more": [1]}),
        ("lax_workflow", {"input": {"known": 4, "more": [1]}}, {"known": 4}),
        ("default_workflow", {}, "World"),
        ("default_workflow", {"input": "Ada"}, "Ada"),
        ("default_model_workflow", {}, {"x": 7, "y": 8}),
        ("default_model_workflow", {"input": {"x": 1}}, {"x": 1, "y": 0}),
    ],
)
def test_extra_fields_and_defaults_are_as_the_author_says(
    usher: Driver, workflow: str, command: dict[str, Any], output: Any
) -> None:
    assert output_of(usher, workflow, **command) == output


@pytest.mark.parametrize(
    ("workflow", "given", "field"),
    [
        ("open_workflow", {"inner": {"parcelId": 1, "more": 1}}, "input.inner.more"),
        ("parcel_workflow", {"parcel_id": 1}, "input.parcel_id"),
        ("parcel_workflow", {"parcelId": "1"}, "input.parcelId"),
        ("models_workflow", {"x": 1, "z": 1}, "input.z"),
        ("default_model_workflow", {"x": 1, "z": 1}, "input.z"),
    ],
)
def test_where_the_author_says_nothing_a_typo_is_refused(
    usher: Driver, workflow: str, given: Any, field: str
) -> None:
    instance_id = fresh("typo")
    usher.request(workflow, input=given, instance_id=instance_id)
    letter = usher.dead_letter(instance_id)
    assert (letter["reason"], letter["field"]) == ("invalid_input", field)
