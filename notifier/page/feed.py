"""The feed: notices and dead letters in one list, newest first, filtered by the URL."""

from collections.abc import Iterator
from heapq import merge
from itertools import islice
from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel, ConfigDict

from notifier.store import RecentRecords, Record

FIRST, MOST = 50, 1000


class Filters(BaseModel):
    """The filters in the page's URL. An empty filter lets everything pass."""

    model_config = ConfigDict(frozen=True)

    instance: str = ""
    workflow: str = ""
    outcome: str = ""
    reason: str = ""
    limit: Annotated[int, Query(ge=1)] = FIRST

    @property
    def given(self) -> dict[str, str]:
        named = self.model_dump(exclude={"limit"})
        return {name: value for name, value in named.items() if value}

    def wants_target(self, target: Record) -> bool:
        """Return whether to show a wait, or a parked event, which has no workflow yet."""
        return self.instance in ("", target["instance_id"]) and self.workflow in (
            "",
            target.get("workflow", self.workflow),
        )

    def wants_notice(self, notice: Record) -> bool:
        return (
            not self.reason
            and self.instance in ("", notice["instance_id"])
            and self.workflow in ("", notice["workflow"])
            and self.outcome in ("", notice["outcome"])
        )

    def wants_letter(self, letter: Record) -> bool:
        return (
            not self.outcome
            and self.instance in ("", addressed(letter)[0])
            and self.workflow in ("", _command(letter).get("workflow"))
            and self.reason in ("", letter["reason"])
        )


def read_feed(
    notices: RecentRecords, letters: RecentRecords, filters: Filters
) -> tuple[list[Record], bool]:
    """Return the newest records that pass the filters, and whether there are more.

    Only notices have an `outcome`.
    """
    both = merge(
        _wanted(notices, filters.wants_notice),
        _wanted(letters, filters.wants_letter),
        key=_seen,
        reverse=True,
    )
    most = min(filters.limit, MOST)
    found = list(islice(both, most + 1))
    return found[:most], len(found) > most


def addressed(letter: Record) -> tuple[str | None, str | None]:
    """Return the instance and the external event that a dead letter names, or None for each."""
    command = _command(letter)
    named = command.get("instance_id")
    if not named and command.get("workflow") and command.get("key"):
        named = f"{command['workflow']}-{command['key']}"
    event = command.get("event")
    return (
        named if isinstance(named, str) else None,
        event if isinstance(event, str) else None,
    )


def _command(letter: Record) -> dict[str, Any]:
    data = letter["event"].get("data")
    return data if isinstance(data, dict) else {}


def _wanted(store: RecentRecords, wants: Any) -> Iterator[Record]:
    return filter(wants, store.each())


def _seen(record: Record) -> str:
    seen: str = record.get("seen_at") or record["last_seen"]
    return seen
