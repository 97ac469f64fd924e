"""Forms from input schemas: which fields, what they hold, what is made of what was typed in."""

from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field, JsonValue, TypeAdapter

from notifier.page.forms import field_of, fields, read
from orchestrator.authoring.catalogue import Catalogue


class Size(BaseModel):
    width: int = 1


class Order(BaseModel):
    item: str
    amount: float = Field(2.5, gt=0, description="in euros")
    urgent: bool = False
    colour: Literal["red", "green"] = "red"
    size: Size = Size()
    tags: list[str] = []
    note: str | None = None
    anything: JsonValue = None


EXAMPLE = {"item": "a laptop", "tags": ["new"]}


def schema(kind: Any) -> dict[str, Any]:
    return TypeAdapter(kind).json_schema()


def shown(kind: Any, example: Any) -> dict[str, tuple[str, str]]:
    return {one.name: (one.kind, one.value) for one in fields(schema(kind), example)}


def test_simple_types_are_fields_and_everything_else_is_json() -> None:
    assert shown(Order, EXAMPLE) == {
        "input.item": ("text", "a laptop"),
        "input.amount": ("number", "2.5"),
        "input.urgent": ("boolean", "false"),
        "input.colour": ("choice", "red"),
        "input.size": ("json", '{\n  "width": 1\n}'),
        "input.tags": ("json", '[\n  "new"\n]'),
        "input.note": ("text", ""),
        "input.anything": ("json", ""),
    }
    form = {one.name: one for one in fields(schema(Order), EXAMPLE)}
    assert form["input.item"].required
    assert not form["input.amount"].required
    assert form["input.amount"].help == "in euros"
    assert form["input.colour"].choices == ("red", "green")


@pytest.mark.parametrize(
    ("kind", "example", "expected"),
    [
        (str, "Ada", {"input": ("text", "Ada")}),
        (int, 3, {"input": ("number", "3")}),
        (str | Size, {"width": 2}, {"input.width": ("number", "2")}),
        (str | Size, "Ada", {"input": ("text", "Ada")}),
        (str | Size, None, {"input": ("json", "")}),
        (list[int], [1], {"input": ("json", "[\n  1\n]")}),
        (Any, None, {"input": ("json", "")}),
    ],
)
def test_an_input_that_is_no_object_is_one_field(
    kind: Any, example: Any, expected: dict[str, tuple[str, str]]
) -> None:
    assert shown(kind, example) == expected


def test_what_was_typed_in_becomes_the_input_and_empty_fields_are_left_out() -> None:
    form = fields(schema(Order), EXAMPLE)
    typed = {
        "input.item": "a lamp",
        "input.amount": "7",
        "input.urgent": "true",
        "input.colour": "green",
        "input.size": '{"width": 4}',
        "input.tags": " ",
        "other": "x",
    }
    value, errors = read(form, typed)
    assert errors == {}
    assert value == {
        "item": "a lamp",
        "amount": 7,
        "urgent": True,
        "colour": "green",
        "size": {"width": 4},
    }
    assert read(fields(schema(str), "Ada"), {"input": "Grace"}) == ("Grace", {})
    assert read(fields(schema(str), "Ada"), {}) == (None, {})
    assert read(form, {"input.item": ""})[0] == {"item": ""}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("input.amount", "a lot"),
        ("input.amount", "true"),
        ("input.amount", "NaN"),
        ("input.size", "{"),
        ("input.tags", "[1"),
    ],
)
def test_what_cannot_be_read_is_said_at_its_field(name: str, text: str) -> None:
    _, errors = read(fields(schema(Order), EXAMPLE), {"input.item": "x", name: text})
    assert list(errors) == [name]


def test_an_error_is_shown_at_the_field_that_it_lies_in() -> None:
    form = fields(schema(Order), EXAMPLE)
    assert field_of(form, "input.size.width") == "input.size"
    assert field_of(form, "input.amount") == "input.amount"
    assert field_of(form, "input.sizes") == ""
    assert field_of(form, None) == ""


def test_a_schema_that_refers_to_itself_is_json() -> None:
    looped = {"$defs": {"A": {"$ref": "#/$defs/A"}}, "$ref": "#/$defs/A"}
    assert [one.kind for one in fields(looped, {})] == ["json"]


@pytest.mark.parametrize("found", Catalogue.scan().workflows.values(), ids=lambda f: f.name)
def test_the_form_of_every_workflow_makes_its_example(found: Any) -> None:
    form = fields(found.input_schema(), found.tag.example)
    value, errors = read(form, {one.name: one.value for one in form})
    assert errors == {}
    found.parse(value)
