"""Workflows whose values are models of each kind, handed on through every door."""

import json
from collections.abc import Generator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, NamedTuple

from dapr.ext.workflow import DaprWorkflowContext, WorkflowActivityContext
from pydantic import BaseModel, ConfigDict, Field

from usher import activity, workflow


class Colour(Enum):
    """A colour."""

    RED = "red"
    BLUE = "blue"


@dataclass
class Point:
    """A place."""

    x: int
    y: int = 0


class Pair(NamedTuple):
    """Two numbers."""

    left: int
    right: Decimal


class Parcel(BaseModel):
    """Named otherwise outside."""

    model_config = ConfigDict(strict=True)

    parcel_id: int = Field(alias="parcelId")
    due: date = date(2030, 1, 1)
    colour: Colour = Colour.RED
    points: tuple[Point, ...] = ()


class Open(BaseModel):
    """Takes what it does not know."""

    model_config = ConfigDict(extra="allow")

    known: int = 1
    inner: Parcel | None = None


class Lax(BaseModel):
    """Passes over what it does not know."""

    model_config = ConfigDict(extra="ignore")

    known: int = 1


@activity
def dataclass_activity(_: WorkflowActivityContext, given: Point) -> Point:
    """Move it."""
    return Point(given.x + 1, given.y)


@activity
def pair_activity(_: WorkflowActivityContext, given: Pair) -> Pair:
    """Swap it."""
    return Pair(int(given.right), Decimal(given.left))


@activity
async def parcel_activity(_: WorkflowActivityContext, given: Parcel) -> Parcel:
    """Give it the next number."""
    return given.model_copy(update={"parcel_id": given.parcel_id + 1})


@activity
def nested_activity(_: WorkflowActivityContext, given: dict[str, list[Point]]) -> dict[str, Any]:
    """Return them moved, in lists and dicts."""
    moved = [Point(one.x + 1) for one in given["points"]]
    return {"points": moved, "pair": Pair(1, Decimal("2.5")), "set": {3}}


@workflow(announce=False, example={"x": 1})
def point_child_workflow(ctx: DaprWorkflowContext, input: Point) -> Generator[Any, Any, Point]:  # noqa: A002
    """Return what the activity makes of it."""
    moved = yield ctx.call_activity(dataclass_activity, input=input)
    return Point(**moved)


@workflow(example={"x": 1})
def models_workflow(ctx: DaprWorkflowContext, input: Point) -> Generator[Any, Any, Any]:  # noqa: A002
    """Hand models of every kind through every door, and each result on as it came."""
    moved = yield ctx.call_activity(dataclass_activity, input=input)
    moved = yield ctx.call_activity(dataclass_activity, input=moved)
    pair = yield ctx.call_activity(pair_activity, input=Pair(1, Decimal(2)))
    pair = yield ctx.call_activity(pair_activity, input=pair)
    nested = yield ctx.call_activity(nested_activity, input={"points": [input, moved]})
    again = yield ctx.call_activity(nested_activity, input={"points": nested["points"]})
    child = yield ctx.call_child_workflow(point_child_workflow, input=input)
    if input.x < 5:
        ctx.continue_as_new(Point(5, len(again["points"])))
        return None
    return {"moved": moved, "pair": pair, "nested": again, "child": child, "point": input}


@workflow(example={"parcelId": 1})
def parcel_workflow(ctx: DaprWorkflowContext, input: Parcel) -> Generator[Any, Any, Parcel]:  # noqa: A002
    """Return the parcel, by its alias."""
    raised = yield ctx.call_activity(parcel_activity, input=input)
    raised = yield ctx.call_activity(parcel_activity, input=raised)
    return Parcel.model_validate_json(json.dumps(raised))


@workflow(example={"known": 2, "more": 3})
def open_workflow(ctx: DaprWorkflowContext, input: Open) -> Generator[Any, Any, Open]:  # noqa: A002
    """Return what it got, known or not."""
    yield ctx.create_timer(timedelta(0))
    return input


@workflow(example={"known": 2, "more": 3})
def lax_workflow(ctx: DaprWorkflowContext, input: Lax) -> Generator[Any, Any, Lax]:  # noqa: A002
    """Return what it knows of what it got."""
    yield ctx.create_timer(timedelta(0))
    return input


@workflow(example="Ada")
def default_workflow(
    ctx: DaprWorkflowContext,
    input: str = "World",  # noqa: A002
) -> Generator[Any, Any, str]:
    """Return the name, or the signature's own."""
    yield ctx.create_timer(timedelta(0))
    return input


@workflow(example={"x": 3})
def default_model_workflow(
    ctx: DaprWorkflowContext,
    input: Point = Point(7, 8),  # noqa: A002, B008
) -> Generator[Any, Any, Point]:
    """Return the point, or the signature's own."""
    yield ctx.create_timer(timedelta(0))
    return input
