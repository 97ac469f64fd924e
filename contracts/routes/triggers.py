"""What an author writes in `@workflow(on=[...])`: one trigger for each kind of route.

Only plain dataclasses: every command imports this module. `spec` checks the values later.
"""

from collections.abc import Iterable
from dataclasses import KW_ONLY, dataclass, fields
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, ClassVar, Literal

LATER = {
    "debounce": "waiting for quiet",
    "throttle": "a limit on starts by time",
    "running": "a limit on runs at once",
    "singleton": "one run at a time",
    "batch": "one run for several events",
    "all": "a join of several events",
    "join": "a join of several events",
    "order": "delivery in order",
}
"""Policies of a later version, and what each would be. Their names are reserved."""


def not_yet(name: str) -> str:
    """Return the message for the name of a policy that does not exist yet."""
    return f"{name} ({LATER[name]}) does not exist yet; remove it"


def no_field(name: str, known: Iterable[str]) -> str:
    """Return the message for a field that does not exist, with the nearest that does."""
    near = get_close_matches(name, known, 1)
    return f"there is no field {name}{f'; did you mean {near[0]}?' if near else ''}"


@dataclass(frozen=True)
class Trigger:
    """What makes a workflow start, receive an event or stop."""

    verb: ClassVar[str]

    if not TYPE_CHECKING:

        def __new__(cls, *_: Any, **given: Any) -> "Trigger":
            known = [field.name for field in fields(cls)]
            for name in given:
                if name in LATER:
                    raise TypeError(f"{cls.__name__}: {not_yet(name)}")
                if name not in known:
                    raise TypeError(f"{cls.__name__}: {no_field(name, known)}")
            return super().__new__(cls)

    def given(self) -> dict[str, Any]:
        """Return the fields that were set, by their names in `routes.yaml`."""
        renamed = {"topic": "from", "cron": "every"}
        values = {field.name: (getattr(self, field.name), field.default) for field in fields(self)}
        return {renamed.get(k, k): value for k, (value, unset) in values.items() if value != unset}


@dataclass(frozen=True)
class OnEvent(Trigger):
    """A trigger that events of one topic pull; `topic` may be `component/topic`.

    `type`, `source` and `subject` are exact, or end in `*`. `when`, `key`, `input`, `data` and `at`
    are CEL over `event`, `data` and `subject`.
    """

    topic: str
    _: KW_ONLY
    type: str | None = None
    source: str | None = None
    subject: str | None = None
    when: str | None = None
    key: str | None = None
    since: str | None = None
    example: Any = None
    name: str | None = None


@dataclass(frozen=True)
class Start(OnEvent):
    """Start the workflow. Without `key`, each event starts an instance of its own."""

    verb = "start"
    _: KW_ONLY
    input: str | None = None
    delay: str | None = None
    at: str | None = None
    again: bool = False


@dataclass(frozen=True)
class Deliver(OnEvent):
    """Deliver the event to the instance of `key`; it waits if the instance has not started."""

    verb = "deliver"
    _: KW_ONLY
    event: str | None = None
    data: str | None = None
    ttl_seconds: float | None = None


@dataclass(frozen=True)
class StartOrDeliver(OnEvent):
    """Start the workflow for `key`, or deliver the event to the instance that runs already."""

    verb = "start_or_deliver"
    _: KW_ONLY
    input: str | None = None
    event: str | None = None
    data: str | None = None
    ttl_seconds: float | None = None
    again: bool = False


@dataclass(frozen=True)
class Cancel(OnEvent):
    """Terminate the instance of `key`. With `early`, it may start up to that long afterwards."""

    verb = "cancel"
    _: KW_ONLY
    early: str | None = None


@dataclass(frozen=True)
class Suspend(OnEvent):
    """Suspend the instance of `key`."""

    verb = "suspend"


@dataclass(frozen=True)
class Resume(OnEvent):
    """Resume the instance of `key`."""

    verb = "resume"


@dataclass(frozen=True)
class Every(Trigger):
    """Start the workflow by the clock: five fields of cron, in a time zone."""

    verb = "start"
    cron: str
    _: KW_ONLY
    timezone: str = "UTC"
    input: str | None = None
    missed: Literal["last", "all", "none"] = "last"
    name: str | None = None
