"""What happened: notices and dead letters in one list, newest first, as the URL filters them."""

from collections.abc import Iterator
from heapq import merge
from itertools import islice
from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel, ConfigDict

from notifier.store import Record, Shelf

FIRST, MOST = 50, 1000


class Filters(BaseModel):
    """The filters of the page's URL; an empty one filters nothing."""

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
        """Tell of a wait, or a parked event, which has no workflow yet."""
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


def happened(notices: Shelf, letters: Shelf, filters: Filters) -> tuple[list[Record], bool]:
    """Return the newest records that the filters want, and whether there are more.

    A notice is told from a dead letter by its `outcome`.
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
    """Return the instance and the external event that a dead letter was for, as far as it says."""
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


def _wanted(shelf: Shelf, wants: Any) -> Iterator[Record]:
    return filter(wants, shelf.each())


def _seen(record: Record) -> str:
    seen: str = record.get("seen_at") or record["last_seen"]
    return seen
