"""Names the events that an audit lists: by source, id and route, as their entries have them."""

from collections.abc import Iterable

from usher.audit.readers import ReaderOf
from usher.audit.report import Unaccounted
from usher.audit.sources import Place, Source
from usher.audit.topic_reader import PAGE, StreamEntry

Listed = tuple[str, Place, str]
"""The mark of an event, where it is, and what is missing."""


def named(
    listed: Iterable[Listed], sources: Iterable[Source], reader_of: ReaderOf
) -> list[Unaccounted]:
    """Read the events again, for their names. In pages, as Kafka searches for each place."""
    by_source: dict[str, list[Listed]] = {source.topic: [] for source in sources}
    for one in listed:
        by_source[one[1].source.topic].append(one)
    found = []
    for topic, every in by_source.items():
        for start in range(0, len(every), PAGE):
            page = every[start : start + PAGE]
            ids = dict.fromkeys(place.entry for _, place, _ in page)
            entries = {entry.id: entry for entry in reader_of(topic).again(topic, ids)}
            found += [_finding(*one, entries.get(one[1].entry)) for one in page]
    return found


def _finding(mark: str, place: Place, missing: str, entry: StreamEntry | None) -> Unaccounted:
    source = event_id = route = None
    for item in filter(None, place.source.items(entry) if entry else ()):
        if mark.partition(" ")[0] == item.mark:
            source, event_id = item.event.source or None, item.event.id or None
            route = item.route
    topic, name = place.source.topic, place.entry.name
    return Unaccounted(topic, name, source, event_id, missing, route=route)
