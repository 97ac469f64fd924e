"""The author's model decides what an input is, and its schema says the same."""

import enum
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, NamedTuple

import jsonschema
import pytest
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    RootModel,
    ValidationError,
)
from pydantic.dataclasses import dataclass as pydantic_dataclass
from typing_extensions import TypedDict

from orchestrator.runs.input_type import InputType


class Plain(BaseModel):
    x: int = 1
    type: str = ""
    default: str = ""


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")

    plain: Plain = Plain()


class Lax(BaseModel):
    model_config = ConfigDict(extra="ignore")

    plain: Plain = Plain()


class Closed(BaseModel):
    model_config = ConfigDict(extra="forbid")

    lax: Lax = Lax()


class Heir(Open):
    y: int = 1


class Outer(BaseModel):
    opens: list[Open] = []
    by_name: dict[str, Plain] = {}
    lax: Lax | None = None
    either: Plain | Open | None = None
    inner: "Outer | None" = None


class Colour(enum.Enum):
    RED = "red"


class Strict(BaseModel):
    model_config = ConfigDict(strict=True)

    due: date = date(2030, 1, 1)
    colour: Colour = Colour.RED
    pair: tuple[int, int] = (1, 2)
    count: int = 0


class Aliased(BaseModel):
    given_name: str = Field("Ada", alias="givenName")
    read_as: int = Field(1, validation_alias="readAs")


class Both(BaseModel):
    model_config = ConfigDict(populate_by_name=True)

    given_name: str = Field("Ada", alias="givenName")


class Typed(TypedDict):
    x: int


class OpenTyped(TypedDict):
    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]

    x: int


class Pair(NamedTuple):
    left: int
    right: Plain


@dataclass
class Point:
    x: int = 0


@pydantic_dataclass(config=ConfigDict(extra="ignore"))
class LaxPoint:
    x: int = 0


Root = RootModel[list[Plain]]


def even(number: int) -> int:
    if number % 2:
        raise ValueError("must be even")
    return number


def exits(number: int) -> int:
    sys.exit(number)


def of(annotation: Any, *default: Any, closed: bool = True) -> InputType:
    def function(ctx: Any, given: Any = None) -> None: ...

    def needs(ctx: Any, given: Any) -> None: ...

    chosen: Callable[..., Any] = function if default else needs
    chosen.__defaults__ = default or None
    chosen.__annotations__ = {"given": annotation}
    return InputType(chosen, closed=closed)


FITS = [
    (Plain, {"x": 2, "type": "t", "default": "d"}),
    (Open, {"more": 1}),
    (Lax, {"more": 1}),
    (Closed, {"lax": {"more": 1}}),
    (Heir, {"more": 1, "y": 2}),
    (Outer, {"opens": [{"more": 1}], "lax": {"more": 2}, "inner": {"opens": [{"more": 1}]}}),
    (Outer, {"either": {"plain": {}, "more": 1}}),
    (Strict, {"due": "2031-01-01", "colour": "red", "pair": [3, 4], "count": 5}),
    (Aliased, {"givenName": "Grace", "readAs": 2}),
    (Both, {"givenName": "Grace"}),
    (Typed, {"x": 1}),
    (OpenTyped, {"x": 1, "y": 2}),
    (LaxPoint, {"x": 1, "y": 2}),
    (Root, [{"x": 1}]),
    (Annotated[int, AfterValidator(even)], 4),
    (Annotated[int, BeforeValidator(int)], 4),
    (list[Point], [{"x": 1}]),
    (Any, {"any": "thing"}),
]


@pytest.mark.parametrize(("annotation", "given"), FITS)
def test_what_the_model_takes_is_taken_and_fits_the_schema(annotation: Any, given: Any) -> None:
    found = of(annotation)
    found.parse(given)
    jsonschema.validate(given, found.json_schema())


FAULTS = [
    (Plain, {"more": 1}),
    (Open, {"plain": {"more": 1}}),
    (Lax, {"plain": {"more": 1}}),
    (Closed, {"more": 1}),
    (Closed, {"lax": {"plain": {"more": 1}}}),
    (Outer, {"more": 1}),
    (Outer, {"by_name": {"a": {"more": 1}}}),
    (Outer, {"inner": {"inner": {"more": 1}}}),
    (Strict, {"count": "5"}),
    (Aliased, {"given_name": "Grace"}),
    (Typed, {"x": 1, "y": 2}),
    (Point, {"y": 2}),
    (list[Plain], [{"more": 1}]),
    (Root, [{"more": 1}]),
    (Pair, [1, {"more": 1}]),
]


@pytest.mark.parametrize(("annotation", "given"), FAULTS)
def test_where_the_model_says_nothing_unknown_fields_are_refused(
    annotation: Any, given: Any
) -> None:
    found = of(annotation)
    with pytest.raises(ValidationError):
        found.parse(given)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(given, found.json_schema())


def test_a_model_that_takes_names_beside_aliases_takes_both() -> None:
    assert of(Both).parse({"given_name": "Grace"}) == of(Both).parse({"givenName": "Grace"})


def test_the_models_themselves_stay_as_they_are() -> None:
    of(Plain).json_schema()
    assert Plain.model_validate({"more": 1}) == Plain()
    assert Open.model_validate({"plain": {"more": 1}}).plain == Plain()


def test_an_input_of_our_own_is_read_by_field_names_too_and_unknown_fields_are_left() -> None:
    found = of(Aliased, closed=False)
    for given in ({"given_name": "G", "read_as": 2}, {"givenName": "G", "readAs": 2, "more": 1}):
        assert found.parse(given, by_name=True) == Aliased(givenName="G", readAs=2)


@pytest.mark.parametrize(
    ("found", "value"),
    [
        (of(str, "World"), "World"),
        (of(Plain, Plain(x=7)), Plain(x=7)),
        (of(Plain | None, None), None),
        (of(int, Field(3, ge=1)), 3),
        (of(list[int], Field(default_factory=lambda: [1])), [1]),
        (of(Annotated[str, Field(default="World")]), "World"),
        (of(Plain), Plain()),
    ],
)
def test_no_input_is_the_authors_default(found: InputType, value: Any) -> None:
    assert found.parse(None) == value


def test_a_default_is_in_the_schema_and_is_not_shared() -> None:
    found = of(Plain, Plain(x=7))
    assert found.json_schema()["default"] == {"x": 7, "type": "", "default": ""}
    found.parse(None).x = 8
    assert found.parse(None).x == 7
    with pytest.raises(ValidationError):
        of(int, Field(3, ge=1)).parse(0)


def test_a_validator_that_exits_raises_an_exception() -> None:
    with pytest.raises(Exception, match="4") as caught:
        of(Annotated[int, AfterValidator(exits)]).parse(4)
    assert type(caught.value).__name__ == "SystemExit"
