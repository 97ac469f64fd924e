"""What every workflow takes: its example, and nothing at all."""

from typing import Any

import pytest

from contracts.refusal import Refused
from orchestrator.authoring.catalogue import Catalogue

FOUND = Catalogue.scan().workflows
PUBLIC = [name for name, definition in FOUND.items() if definition.tag.announce]


@pytest.mark.parametrize("name", FOUND)
def test_the_example_is_an_input(name: str) -> None:
    assert FOUND[name].tag.example is not None
    FOUND[name].parse(FOUND[name].tag.example)


@pytest.mark.parametrize("name", PUBLIC)
def test_no_input_means_all_defaults(name: str) -> None:
    assert FOUND[name].parse(None) == FOUND[name].parse({})


@pytest.mark.parametrize("name", FOUND)
def test_a_docstring_says_what_to_look_at(name: str) -> None:
    assert "Look at " in FOUND[name].description


@pytest.mark.parametrize(
    ("name", "given", "defaults"),
    [
        ("retry_workflow", {}, {"failures": 2}),
        ("timer_workflow", {}, {"seconds": 15}),
        ("error_handling_workflow", {"task_data": "t1"}, {"task_data": "t1", "reraise": False}),
    ],
)
def test_defaults_are_the_ones_promised(
    name: str, given: dict[str, Any], defaults: dict[str, Any]
) -> None:
    assert FOUND[name].parse(given).model_dump() == defaults


@pytest.mark.parametrize(
    ("name", "given", "field"),
    [
        ("retry_workflow", {"failures": -1}, "input.failures"),
        ("retry_workflow", {"failure": 1}, "input.failure"),
        ("timer_workflow", {"seconds": "soon"}, "input.seconds"),
        ("monitor_workflow", {"max_polls": 0}, "input.max_polls"),
        ("fan_out_workflow", {"items": ["1", 2]}, "input.items.1"),
        ("order_workflow", {"amount": 0}, "input.amount"),
        ("events_in_any_order_workflow", {"events": []}, "input.events"),
    ],
)
def test_what_does_not_fit_is_refused_by_its_name(
    name: str, given: dict[str, Any], field: str
) -> None:
    with pytest.raises(Refused) as refused:
        FOUND[name].parse(given)
    assert refused.value.field == field
