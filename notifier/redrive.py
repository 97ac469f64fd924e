"""Sends dead-lettered events again through the starter, for the command line and the page.

It publishes first and marks second. After a crash between the two, the dead letter can be redriven
once more: the event carries the number of its dead letters, and the orchestrator reopens it once
for each. A letter is read again just before it is sent. So of two redrives at once, both send at
most the letter that they are at in the same moment.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from contracts import calls
from contracts.events import Reason
from contracts.records import DeadLetter, RedriveItem
from contracts.redrive import cloudevent, impossible
from notifier.records.store import RecentRecords
from notifier.service_clients import Orchestrator, Refusal, Starter

RATE = 50
"""How many dead letters are sent per second by default."""
_CANCELLED = "it was cancelled before it started; name its reason or id to start it all the same"


@dataclass(frozen=True)
class Chosen:
    """A dead letter as it was chosen, without its event."""

    id: str
    event_id: str | None
    reason: str
    attempts: int
    redriven_at: datetime | None

    @classmethod
    def of(cls, letter: DeadLetter) -> "Chosen":
        about = letter.id, letter.event.id, letter.reason
        return cls(*about, letter.attempts, letter.redriven_at)


def can_redrive(letter: DeadLetter) -> bool:
    """Return whether a dead letter can be redriven and was not."""
    return not letter.redriven_at and impossible(letter) is None


class Redriver:
    """Redrives dead letters. Methods raise `Away` if starter or orchestrator do not answer."""

    def __init__(
        self, letters: RecentRecords[DeadLetter], orchestrator: Orchestrator, starter: Starter
    ) -> None:
        self._letters = letters
        self._orchestrator = orchestrator
        self._starter = starter

    def choose(self, wanted: Callable[[DeadLetter], bool]) -> list[Chosen]:
        """Return the dead letters that are wanted, the oldest first."""
        return [Chosen.of(letter) for letter in self._letters.each() if wanted(letter)][::-1]

    async def each(
        self, chosen: Sequence[Chosen], *, dry_run: bool, named: bool = False, rate: float = RATE
    ) -> AsyncGenerator[RedriveItem, None]:
        """Redrive one after the other, at most `rate` per second. It ends where its reader does.

        `named` says that they were chosen by id or reason: only then are cancelled starts sent.
        """
        for number, one in enumerate(chosen):
            if number and not dry_run:
                await asyncio.sleep(1 / rate)
            if one.reason == Reason.CANCELLED_EARLY and not named:
                yield _left(one, dry_run, "skipped", _CANCELLED)
                continue
            yield await asyncio.to_thread(self.redrive, one, dry_run=dry_run)

    def redrive(self, chosen: Chosen, *, dry_run: bool) -> RedriveItem:
        """Redrive one dead letter, or say what would become of it."""
        letter = self._letters.get(chosen.id)
        if letter is None:
            return _left(chosen, dry_run, "skipped", "it is no longer kept")
        if letter.attempts != chosen.attempts:
            return _left(chosen, dry_run, "skipped", "it was dead-lettered again meanwhile")
        if letter.redriven_at != chosen.redriven_at:
            return _left(chosen, dry_run, "skipped", "it was sent again meanwhile")
        if why := impossible(letter):
            return _left(chosen, dry_run, "impossible", why)
        return self._explained(chosen, letter) if dry_run else self._sent(chosen, letter)

    def _explained(self, chosen: Chosen, letter: DeadLetter) -> RedriveItem:
        try:
            would = self._orchestrator.ask(calls.explain(cloudevent(letter), _topic(letter)))
        except Refusal as error:
            return _left(chosen, True, "refused", str(error))
        return RedriveItem(
            id=chosen.id,
            event_id=chosen.event_id,
            reason=chosen.reason,
            would=would.disposition,
            instance_id=would.instance_id,
            field=would.field,
            message=would.message,
        )

    def _sent(self, chosen: Chosen, letter: DeadLetter) -> RedriveItem:
        try:
            accepted = self._starter.ask(calls.publish(cloudevent(letter), _topic(letter)))
        except Refusal as error:
            return RedriveItem(
                id=chosen.id,
                event_id=chosen.event_id,
                reason=chosen.reason,
                done="refused",
                field=error.field,
                message=error.message,
            )
        self._letters.change(letter.id, partial(_marked, attempts=letter.attempts))
        return RedriveItem(
            id=chosen.id,
            event_id=chosen.event_id,
            reason=chosen.reason,
            done="published",
            instance_id=accepted.instance_id,
        )


def _topic(letter: DeadLetter) -> str | None:
    """Return the topic to send an event of a route on; a command has its own."""
    return letter.topic if letter.route else None


def _marked(letter: DeadLetter, attempts: int) -> DeadLetter | None:
    """Return a dead letter marked as redriven; None if it was, or was dead-lettered again."""
    if letter.attempts > attempts or letter.redriven_at:
        return None
    return letter.model_copy(update={"redriven_at": datetime.now(UTC)})


def _left(chosen: Chosen, dry_run: bool, what: str, why: str) -> RedriveItem:
    """Return the item of a dead letter that is not sent."""
    name, event_id, reason = chosen.id, chosen.event_id, chosen.reason
    if dry_run:
        return RedriveItem(id=name, event_id=event_id, reason=reason, would=what, message=why)
    return RedriveItem(id=name, event_id=event_id, reason=reason, done=what, message=why)
