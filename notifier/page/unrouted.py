"""Why an event is unrouted: what each route of its topic made of it, in words."""

from collections.abc import Sequence

from contracts.served_routes import ServedRoute, UnroutedEvent

_WORDS = {
    "paused": "it is paused",
    "before_route": "the event is older than the route",
    "when is false": "its condition is false",
}
_ATTRIBUTES = ("type", "source", "subject")


def explained(event: UnroutedEvent, routes: Sequence[ServedRoute]) -> list[tuple[str, str]]:
    """Return for each route of the event's topic its name, and why it left the event.

    Only routes that look for its type, or for any, were asked: all others want another type.
    """
    there = {route.name: route for route in routes if route.channel == event.channel}
    names = [*event.why, *(name for name in there if name not in event.why)]
    return [(name, _words(event.why.get(name, "type"), there.get(name))) for name in names]


def _words(why: str, route: ServedRoute | None) -> str:
    if why in _ATTRIBUTES:
        wanted = route.spec.get(why) if route else None
        return f"it looks for {why} {wanted}" if wanted else f"it looks for another {why}"
    if why in _WORDS:
        return _WORDS[why]
    return why.removeprefix("when: ")
