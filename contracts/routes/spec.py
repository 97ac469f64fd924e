"""What a route may say, in a decorator or in `routes.yaml`: one model for both."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from difflib import get_close_matches
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    RootModel,
    StringConstraints,
    ValidationError,
    WithJsonSchema,
)

from contracts.message import Name
from contracts.routes.expression import Expression
from contracts.routes.grammar import MAX_BYTES
from contracts.routes.schedule import Missed, check_cron, check_timezone
from contracts.routes.triggers import LATER, not_yet
from contracts.routes.wrong_values import wrong_values
from contracts.topics import CHANNEL

VERBS = ("start", "deliver", "start_or_deliver", "cancel", "suspend", "resume", "unmatched")


def _one_star(text: str) -> str:
    if "*" in text[:-1]:
        raise ValueError("`*` stands for the rest, and only at the end")
    return text


def _no_number(value: Any) -> Any:
    if isinstance(value, int | float):  # which would be seconds since 1970
        raise ValueError("write a time")
    return value


def _seconds(text: str) -> str:
    if float(duration_seconds(text)) > 10**9:
        raise ValueError("longer than 30 years")
    return text


_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def duration_seconds(text: str) -> int:
    """Return the seconds of a duration such as `90s`, `15m`, `1h` or `2d`."""
    return int(text[:-1]) * _UNITS[text[-1]]


MOST_HELD = timedelta(days=366)
"""The longest time that a start may be held."""


def _longer(text: Any, most: timedelta) -> bool:
    try:
        return duration_seconds(text) > most.total_seconds()
    except (TypeError, KeyError, ValueError, IndexError):  # which is another fault
        return False


Cel = Annotated[
    Expression, WithJsonSchema({"type": "string", "minLength": 1, "maxLength": MAX_BYTES})
]
Pattern = Annotated[
    str, StringConstraints(min_length=1, max_length=1024), AfterValidator(_one_star)
]
Duration = Annotated[
    str, StringConstraints(pattern=r"^[0-9]{1,12}[smhd]$"), AfterValidator(_seconds)
]
Channel = Annotated[str, StringConstraints(pattern=CHANNEL, max_length=255)]
Since = Annotated[AwareDatetime, Field(strict=False), BeforeValidator(_no_number)]
NAME = r"[A-Za-z0-9_.-]{1,200}"
RouteName = Annotated[str, StringConstraints(pattern=rf"^{NAME}(/{NAME})?$")]


class RouteSpec(BaseModel):
    """One route: the events it is for, and what each does to which instance."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    channel: Channel | None = Field(
        None, alias="from", description="The topic, or component/topic."
    )
    type: Pattern | None = Field(None, description="Exact, or ending in *.")
    source: Pattern | None = Field(None, description="Exact, or ending in *.")
    subject: Pattern | None = Field(None, description="Exact, or ending in *.")
    when: Cel | None = Field(None, description="CEL over event, data, subject: true or false.")
    key: Cel | None = Field(
        None, description="CEL: what names the instance, such as data.order_id."
    )

    start: Name | None = Field(None, description="The workflow to start.")
    deliver: Name | None = Field(None, description="The workflow whose instance gets the event.")
    start_or_deliver: Name | None = Field(None, description="Start, or deliver if it runs.")
    cancel: Name | None = Field(None, description="The workflow whose instance is terminated.")
    suspend: Name | None = Field(None, description="The workflow whose instance is suspended.")
    resume: Name | None = Field(None, description="The workflow whose instance is resumed.")
    unmatched: Literal["dead-letter"] | None = Field(
        None, description="What becomes of an event of the topic that no route is for."
    )

    input: Cel | None = Field(None, description="CEL: the input of the workflow; data by default.")
    event: Name | None = Field(None, description="The name of the event that the workflow awaits.")
    data: Cel | None = Field(None, description="CEL: what is delivered; data by default.")
    early: Duration | None = Field(None, description="How long a cancel waits for its start.")
    delay: Duration | None = Field(None, description="How long after the event it starts.")
    at: Cel | None = Field(None, description="CEL: the time at which it starts.")
    again: bool = Field(False, description="Each event is a new run of its key.")
    ttl_seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = Field(
        None, description="How long a delivered event may wait for its instance."
    )
    since: Since | Literal["all"] | None = Field(
        None, description="Older events are not served; the route's first start by default."
    )
    example: JsonValue = Field(None, description="An event that must match; checked at start-up.")

    every: Annotated[str, AfterValidator(check_cron)] | None = Field(
        None, description="Five fields of cron, in place of a topic."
    )
    timezone: Annotated[str, AfterValidator(check_timezone)] = "UTC"
    missed: Missed = Field("last", description="Which ticks that were missed are made up for.")

    paused: bool = Field(False, description="Whether the route serves no events for now.")

    def as_json(self) -> dict[str, Any]:
        """Return the fields that are set, as `routes.yaml` has them."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True)


class Pause(BaseModel):
    """Pauses a route that a decorator declares: all that a file may change of it."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    paused: bool


class RoutesFile(RootModel[dict[RouteName, RouteSpec | Pause]]):
    """`routes.yaml`: routes by name."""


FIELDS = {field.alias or name: field for name, field in RouteSpec.model_fields.items()}
_OF_EVENTS = {"from", "type", "source", "subject", "when", "key", "since", "example", "paused"}
_OF_STARTS = {"input", "delay", "at", "again"}
_OF_DELIVERIES = {"event", "data", "ttl_seconds"}
_TAKES = {
    "start": _OF_EVENTS | _OF_STARTS,
    "deliver": _OF_EVENTS | _OF_DELIVERIES,
    "start_or_deliver": _OF_EVENTS | _OF_DELIVERIES | {"input", "again"},
    "cancel": _OF_EVENTS | {"early"},
    "suspend": _OF_EVENTS,
    "resume": _OF_EVENTS,
    "unmatched": {"from", "since", "paused"},
    "every": {"every", "timezone", "missed", "input", "paused"},
}


def read_spec(given: Mapping[str, Any]) -> tuple[RouteSpec | None, list[tuple[str, str]]]:
    """Return the route that these fields describe, or every field at fault and what is wrong."""
    wrong = [*_unknown(given), *_mismatched({k: v for k, v in given.items() if v is not None})]
    spec = None
    try:
        spec = RouteSpec.model_validate({k: v for k, v in given.items() if k in FIELDS})
    except ValidationError as error:
        wrong += wrong_values(error)
    return (None if wrong else spec), wrong


def read_partly(given: Mapping[str, Any], wrong: set[str]) -> RouteSpec | None:
    """Return the route without the fields at fault, to check the others; None if that misleads."""
    verbs = [verb for verb in VERBS if verb in given]
    if len(verbs) != 1 or wrong & {*verbs, "input", "again"}:
        return None
    rest = {k: v for k, v in given.items() if k in FIELDS and k not in wrong and v is not None}
    try:
        return RouteSpec.model_validate(rest)
    except ValidationError:
        return None


_OTHER_NAMES = {"topic": "from", "filter": "when", "condition": "when", "if": "when"}
_OTHER_NAMES |= {"workflow": "start", "cron": "every", "schedule": "every"}


def _unknown(given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name in given:
        if name in LATER:
            yield name, not_yet(name)
        elif name not in FIELDS:
            near = _OTHER_NAMES.get(name) or next(iter(get_close_matches(name, FIELDS, 1)), None)
            hint = f"; did you mean {near}?" if near else ""
            yield name, f"there is no such field{hint}"


def _mismatched(given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Find the fields that are missing, or do not go together."""
    verbs = [verb for verb in VERBS if verb in given]
    if len(verbs) != 1:
        also = f"; this has {', '.join(verbs)}" if verbs else ""
        yield (verbs[1] if verbs else ""), f"a route has one of {', '.join(VERBS)}{also}"
        return
    verb = "every" if "every" in given else verbs[0]
    if verb == "every" and verbs != ["start"]:
        yield verbs[0], "`every` starts a workflow: use start"
    for name in given:
        if name in FIELDS and name not in _TAKES[verb] and name not in VERBS:
            yield name, f"means nothing for {verb}; remove it"
    if verb != "every":
        yield from _required(given, verb)


def _required(given: Mapping[str, Any], verb: str) -> Iterator[tuple[str, str]]:
    if "from" not in given:
        yield "from", "required: the topic of the events"
    if "key" not in given and verb not in ("start", "unmatched"):
        yield "key", f"{verb} needs a key; without one every instance would get the event"
    if "key" not in given and given.get("again"):
        yield "again", "means nothing without a key: each event starts an instance of its own"
    if "event" not in given and verb in ("deliver", "start_or_deliver"):
        yield "event", "required: the name of the event that the workflow awaits"
    if "delay" in given and "at" in given:
        yield "at", "give delay or at, not both"
    if given.get("again") and {"delay", "at"} & given.keys():
        yield "again", "does not go with delay or at: a cancel would not know which run is meant"
    if _longer(given.get("delay"), MOST_HELD):
        yield "delay", f"at most {MOST_HELD.days}d"
