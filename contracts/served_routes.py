"""What the orchestrator answers about the routes that it serves."""

from pydantic import AwareDatetime, JsonValue

from contracts.http import Answer


class ServedRoute(Answer):
    """A route, and what it made of the events since the orchestrator started."""

    name: str
    declared: str
    """The file and line."""
    channel: str | None
    """The topic, or component/topic; None for a schedule."""
    verb: str
    workflow: str
    since: AwareDatetime | None
    """Older events are not for it; None if events of any age are."""
    unchanged_since: AwareDatetime | None = None
    """Since when it is served as it is declared now, without a pause."""
    paused: bool
    spec: dict[str, JsonValue]
    """Its fields, as `routes.yaml` has them."""
    matched: int
    refused: int
    """Events that became dead letters, as they lack a key or fail a condition."""
    last_matched: AwareDatetime | None


class RouteChanges(Answer):
    """What `usher routes apply` changed: names of routes."""

    digest: str
    """Of the routes that are served now."""
    added: list[str]
    removed: list[str]
    changed: list[str]
    paused: list[str]
    resumed: list[str]


class UnroutedEvent(Answer):
    """An event that no route is for."""

    channel: str
    id: str
    source: str
    type: str
    at: AwareDatetime
    why: dict[str, str]
    """By the name of each route that was asked."""


class Routes(Answer):
    """The routes that are served, and the last events that none of them is for, newest first."""

    items: list[ServedRoute]
    digest: str = ""
    """Of the names and fields of all routes. Replicas that serve the same routes have the same."""
    unrouted_total: int
    unrouted: list[UnroutedEvent]
