"""A refusal names the field as its sender wrote it, whatever the models behind are made of."""

from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from contracts.refusal import explain, field_path


class Line(BaseModel):
    sku: str
    count: Annotated[int, Field(gt=0)] = 1


class Card(BaseModel):
    kind: Literal["card"]
    number: str


class Cash(BaseModel):
    kind: Literal["cash"]


class Order(BaseModel):
    lines: list[Line]
    payment: Annotated[Card | Cash, Field(discriminator="kind")] | None = None
    note: int | Line | None = None


GOOD: dict[str, Any] = {"lines": [{"sku": "a"}]}


@pytest.mark.parametrize(
    ("order", "field"),
    [
        ({}, "lines"),
        ({"lines": {}}, "lines"),
        ({"lines": [{"sku": "a"}, {}]}, "lines.1.sku"),
        ({"lines": [{"sku": "a", "count": 0}]}, "lines.0.count"),
        ({"lines": [{"sku": "a", "cuont": 2}]}, "lines.0.cuont"),
        ({**GOOD, "lnies": []}, "lnies"),
        ({**GOOD, "payment": {"kind": "card"}}, "payment.number"),
        ({**GOOD, "payment": {"kind": "shell"}}, "payment"),
        ({**GOOD, "note": {"sku": 7}}, "note.sku"),
        ({**GOOD, "note": "text"}, "note"),
    ],
)
def test_the_field_at_fault_is_named_as_the_sender_wrote_it(order: Any, field: str) -> None:
    with pytest.raises(ValidationError) as found:
        TypeAdapter(Order).validate_python(order, extra="forbid")
    named, message = explain(found.value, order)
    assert named == field
    assert message
    assert not message.startswith(field)
    assert explain(found.value, order, root="input")[0] == f"input.{field}"


def test_a_typo_is_named_before_the_field_that_is_missing_because_of_it() -> None:
    order = {"lnies": [{"sku": "a"}]}
    with pytest.raises(ValidationError) as found:
        TypeAdapter(Order).validate_python(order, extra="forbid")
    named, message = explain(found.value, order)
    assert named == "lnies"
    assert message.startswith("there is no such field; lines: required")


def test_a_step_that_the_value_does_not_contain_is_no_part_of_the_path() -> None:
    value = {"a": [{"b": 1}]}
    assert field_path(("a", "list[function-before]", 0, "b"), value) == "a.0.b"
    assert field_path(("int",), 7) == ""
