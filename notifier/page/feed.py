"""The feed: notices and dead letters in one list, newest first, filtered by the URL."""

from collections.abc import Iterator
from datetime import datetime
from heapq import merge
from itertools import islice
from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, ConfigDict

from contracts.records import DeadLetter, Notice
from notifier.records.store import RecentRecords

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

    def wants_target(self, instance_id: str | None, workflow: str | None = None) -> bool:
        """Return whether to show a wait, or a parked event, which has no workflow yet."""
        return self.instance in ("", instance_id) and (
            workflow is None or self.workflow in ("", workflow)
        )

    def wants_notice(self, notice: Notice) -> bool:
        return (
            not self.reason
            and self.wants_target(notice.instance_id, notice.workflow)
            and self.outcome in ("", notice.outcome)
        )

    def wants_letter(self, letter: DeadLetter) -> bool:
        return (
            not self.outcome
            and self.instance in ("", letter.instance_id)
            and self.workflow in ("", letter.command.get("workflow"))
            and self.reason in ("", letter.reason)
        )


def read_feed(
    notices: RecentRecords[Notice], letters: RecentRecords[DeadLetter], filters: Filters
) -> tuple[list[Notice | DeadLetter], bool]:
    """Return the newest records that pass the filters, and whether there are more."""
    both: Iterator[Notice | DeadLetter] = merge(
        (one for one in notices.each() if filters.wants_notice(one)),
        (one for one in letters.each() if filters.wants_letter(one)),
        key=_seen,
        reverse=True,
    )
    most = min(filters.limit, MOST)
    found = list(islice(both, most + 1))
    return found[:most], len(found) > most


def _seen(record: Notice | DeadLetter) -> datetime:
    return record.seen_at if isinstance(record, Notice) else record.last_seen
