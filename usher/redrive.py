"""Sends dead-lettered events again: which, what would become of each, and then for real."""

import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from contracts.redrive import cloudevent, impossible
from usher.client import Client
from usher.errors import BadInput, NotFound, Refused

Letter = dict[str, Any]

_AGO = re.compile(r"(\d+)([smhd])")
_UNIT = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True)
class Selection:
    """Which dead letters are meant; each criterion narrows it down."""

    letter_id: str | None = None
    reason: str | None = None
    workflow: str | None = None
    since: datetime | None = None

    def of(self, client: Client) -> list[Letter]:
        """Return all of them, the oldest first."""
        found: list[Letter] = []
        cursor: int | None = 0
        while cursor is not None:
            page = client.dead_letters(1000, self.reason, self.workflow, cursor)
            found += page["items"]
            cursor = page["next"]
        return [letter for letter in reversed(found) if self._means(letter)]

    def _means(self, letter: Letter) -> bool:
        event_id = letter["event"].get("id")
        named = self.letter_id in (None, letter["id"], event_id)
        return named and (self.since is None or _time(letter["last_seen"]) >= self.since)


def since(text: str) -> datetime:
    """Read `10m`, `2h` (ago), or an RFC 3339 time."""
    if ago := _AGO.fullmatch(text):
        return datetime.now(UTC) - timedelta(**{_UNIT[ago[2]]: int(ago[1])})
    try:
        moment = _time(text)
    except ValueError as error:
        hint = "Write 10m, 2h or 1d, or a time such as 2030-01-31T08:00:00Z."
        raise BadInput(f"--since: {text!r} is no time.", hint) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def plan(client: Client, letters: list[Letter]) -> list[dict[str, Any]]:
    """Return for each letter what would become of its event, without doing any of it."""
    return [{**_about(letter), **_expected(client, letter)} for letter in letters]


def _expected(client: Client, letter: Letter) -> dict[str, Any]:
    if why := impossible(letter):
        return {"would": "impossible", "message": why}
    try:
        would = client.explain(cloudevent(letter))
    except Refused as error:  # one that cannot even be asked about stands in no other's way
        return {"would": "refused", "message": error.detail or error.title}
    told = {"would": would["disposition"], "instance_id": would.get("instance_id")}
    return {**told, "field": would.get("field"), "message": would.get("message")}


def redrive(client: Client, letters: list[Letter], rate: float) -> Iterator[dict[str, Any]]:
    """Send each event again, at most `rate` a second, and tell what the starter said."""
    for letter in letters:
        yield {**_about(letter), **_sent(client, letter)}
        time.sleep(1 / rate)


def _sent(client: Client, letter: Letter) -> dict[str, Any]:
    if why := impossible(letter):
        return {"done": "impossible", "message": why}
    try:
        answer = client.publish_event(cloudevent(letter))
    except Refused as error:
        told = error.errors[0] if error.errors else {"field": None, "message": error.detail}
        said = told["message"] or error.title
        return {"done": "refused", "field": told["field"], "message": said}
    with suppress(NotFound):  # the notifier keeps the newest letters only
        client.note_redriven(letter["id"], letter["attempts"])
    return {"done": "published", "instance_id": answer["instance_id"]}


def _about(letter: Letter) -> dict[str, Any]:
    event = letter["event"].get("id")
    return {"id": letter["id"], "event_id": event, "reason": letter["reason"]}
