"""A workflow's input is what its annotation says: defaults, unions, and typos that are named."""

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import jsonschema
import pytest
from dapr.ext.workflow import DaprWorkflowContext
from pydantic import BaseModel, Field

from contracts.authoring import WorkflowTag
from contracts.events import Reason
from contracts.refusal import Refused
from orchestrator.runs.definition import Definition

Run = Generator[Any, Any, Any]


class Address(BaseModel):
    city: str
    zip_code: str = "0000"


class Parcel(BaseModel):
    weight: float = Field(gt=0)
    to: list[Address] = []
    speed: Literal["slow", "fast"] = "slow"


class Settled(BaseModel):
    name: str = "World"


@dataclass
class Point:
    x: int
    y: int = 0


def no_input(ctx: DaprWorkflowContext) -> Run:
    """Take nothing."""
    yield ctx


def defaults(ctx: DaprWorkflowContext, input: Settled) -> Run:  # noqa: A002
    """Everything has a default.

    And a second paragraph.
    """
    yield ctx, input


def parcel(ctx: DaprWorkflowContext, input: Parcel) -> Run:  # noqa: A002
    yield ctx, input


def either(ctx: DaprWorkflowContext, input: str | Settled) -> Run:  # noqa: A002
    yield ctx, input


def optional(ctx: DaprWorkflowContext, input: Parcel | None = None) -> Run:  # noqa: A002
    yield ctx, input


def text(ctx: DaprWorkflowContext, input: str) -> Run:  # noqa: A002
    yield ctx, input


def whole(ctx: DaprWorkflowContext, input: int) -> Run:  # noqa: A002
    yield ctx, input


def several(ctx: DaprWorkflowContext, input: list[Parcel]) -> Run:  # noqa: A002
    yield ctx, input


def point(ctx: DaprWorkflowContext, input: Point) -> Run:  # noqa: A002
    yield ctx, input


def anything(ctx: DaprWorkflowContext, input: Any) -> Run:  # noqa: A002
    yield ctx, input


def unannotated(ctx, input):  # type: ignore[no-untyped-def]  # noqa: A002
    yield ctx, input


def define(function: Any) -> Definition:
    return Definition(function, WorkflowTag(), Path(__file__))


@pytest.mark.parametrize(
    ("function", "value", "parsed"),
    [
        (defaults, None, Settled()),
        (defaults, {}, Settled()),
        (defaults, {"name": "Ada"}, Settled(name="Ada")),
        (parcel, {"weight": 2}, Parcel(weight=2)),
        (
            parcel,
            {"weight": 2, "to": [{"city": "Bern"}]},
            Parcel(weight=2, to=[Address(city="Bern")]),
        ),
        (either, "Ada", "Ada"),
        (either, {"name": "Ada"}, Settled(name="Ada")),
        (either, None, Settled()),
        (optional, None, None),
        (optional, {"weight": 1}, Parcel(weight=1)),
        (text, "Ada", "Ada"),
        (text, "", ""),
        (whole, 7, 7),
        (whole, 0, 0),
        (several, [], []),
        (several, [{"weight": 1}], [Parcel(weight=1)]),
        (point, {"x": 1}, Point(1)),
        (anything, {"any": ["thing"]}, {"any": ["thing"]}),
        (anything, None, None),
        (no_input, None, None),
    ],
)
def test_an_input_that_fits_becomes_what_the_annotation_says(
    function: Any, value: Any, parsed: Any
) -> None:
    assert define(function).parse(value) == parsed


@pytest.mark.parametrize(
    ("function", "value", "field"),
    [
        (defaults, {"nme": "Ada"}, "input.nme"),
        (defaults, {"name": 7}, "input.name"),
        (defaults, "Ada", "input"),
        (parcel, None, "input.weight"),
        (parcel, {}, "input.weight"),
        (parcel, {"weight": 0}, "input.weight"),
        (parcel, {"weight": 1, "speed": "warp"}, "input.speed"),
        (parcel, {"weight": 1, "to": [{"city": "Bern"}, {}]}, "input.to.1.city"),
        (parcel, {"weight": 1, "to": [{"city": "Bern", "zip": 1}]}, "input.to.0.zip"),
        (either, 7, "input"),
        (either, {"nme": "Ada"}, "input.nme"),
        (optional, {"weight": 1, "colour": "red"}, "input.colour"),
        (text, None, "input"),
        (text, 7, "input"),
        (whole, "seven", "input"),
        (several, [{"weight": 1}, {"weight": 0}], "input.1.weight"),
        (point, {"x": 1, "z": 2}, "input.z"),
        (no_input, {"name": "Ada"}, "input"),
    ],
)
def test_an_input_that_does_not_fit_names_the_field(function: Any, value: Any, field: str) -> None:
    with pytest.raises(Refused) as refused:
        define(function).parse(value)
    assert (refused.value.reason, refused.value.field) == (Reason.INVALID_INPUT, field)
    assert str(refused.value) == f"{field}: {refused.value.message}"


def test_a_definition_is_called_and_described_by_its_function() -> None:
    definition = define(defaults)
    assert definition.name == "defaults"
    assert definition.description == "Everything has a default.\n\nAnd a second paragraph."
    assert definition.takes_input
    assert not define(no_input).takes_input


@pytest.mark.parametrize("function", [defaults, parcel, either, optional, text, several, no_input])
def test_the_input_schema_is_a_json_schema(function: Any) -> None:
    jsonschema.Draft202012Validator.check_schema(define(function).input_schema())


def test_an_input_without_annotation_takes_anything() -> None:
    assert define(unannotated).parse({"any": "thing"}) == {"any": "thing"}


@pytest.mark.parametrize(
    ("function", "value", "parsed"),
    [
        (defaults, {"name": "Ada", "shop": "north"}, Settled(name="Ada")),
        (
            parcel,
            {"weight": 2, "to": [{"city": "Bern", "floor": 3}], "shop": {}},
            Parcel(weight=2, to=[Address(city="Bern")]),
        ),
        (point, {"x": 1, "z": 2}, Point(1)),
        (no_input, None, None),
    ],
)
def test_a_tolerant_input_ignores_fields_that_it_does_not_know(
    function: Any, value: Any, parsed: Any
) -> None:
    definition = define(function)
    assert definition.parse(value, tolerant=True) == parsed
    if value is not None:
        with pytest.raises(Refused):
            definition.parse(value)


def test_a_tolerant_input_refuses_what_a_model_forbids_or_cannot_do_without() -> None:
    class Strict(BaseModel, extra="forbid"):
        name: str

    def strict(ctx: DaprWorkflowContext, input: Strict) -> Run:  # noqa: A002
        yield ctx, input

    strict.__annotations__["input"] = Strict
    for value, field in (({"name": "Ada", "shop": "north"}, "input.shop"), ({}, "input.name")):
        with pytest.raises(Refused) as refused:
            define(strict).parse(value, tolerant=True)
        assert refused.value.field == field
