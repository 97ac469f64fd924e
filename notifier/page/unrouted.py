"""Why an event is unrouted: what each route of its topic made of it, in words."""

from contracts.served_routes import UnroutedEvent

_WORDS = {
    "paused": "it is paused",
    "before_route": "the event is older than the route",
    "when is false": "its condition is false",
}


def explained(event: UnroutedEvent) -> list[tuple[str, str]]:
    """Return for each route of the event's topic its name, and why it left the event."""
    return [(name, _words(why)) for name, why in event.why.items()]


def _words(why: str) -> str:
    if why in _WORDS:
        return _WORDS[why]
    attribute, looks, wanted = why.partition(": it looks for ")
    return f"it looks for {attribute} {wanted}" if looks else why.removeprefix("when: ")
