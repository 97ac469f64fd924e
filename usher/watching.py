"""Follows the notifier's stream of notices and dead letters, for `usher watch`."""

import time
from collections.abc import Callable, Iterator

from pydantic import TypeAdapter

from contracts import calls
from contracts.records import DeadLetter, Notice
from usher.client import Client
from usher.errors import Unreachable

AGAIN_SECONDS = 1
_RECORDS: dict[str, TypeAdapter[Notice | DeadLetter | None]] = {
    "notice": TypeAdapter(Notice | None),
    "dead_letter": TypeAdapter(DeadLetter | None),
}


def follow(
    client: Client, say: Callable[[str], None], rest: Callable[[float], None] = time.sleep
) -> Iterator[Notice | DeadLetter]:
    """Yield each notice and dead letter as it comes; where the stream breaks, go on after the last.

    Raises `Unreachable` if the notifier does not answer at the beginning.
    """
    seen: str | None = None
    said = False
    while True:
        try:
            for message in client.messages(calls.stream(seen)):
                if seen is None:
                    say("Following completions and dead letters; Ctrl-C ends it.")
                elif said:
                    say("The notifier is back.")
                said = False
                seen = message.id or seen or message.data
                if record := _RECORDS.get(message.event):
                    found = record.validate_json(message.data)
                    if found:  # it may be gone already
                        yield found
        except Unreachable as away:
            if seen is None:
                raise
            if not said:
                say(f"{away.title} Trying again …")
            said = True
        rest(AGAIN_SECONDS)
