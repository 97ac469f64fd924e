"""The notifier's HTTP API: newest first, filtered, bounded."""

from collections.abc import Callable, Sequence
from typing import Any, cast

import httpx
import pytest

from notifier.app import build_app
from notifier.service import Notifier
from tests.support.answers import dead_letter, notice
from tests.support.asgi import ask, service_of

NOTICES = [notice(id=f"n-{n}", instance_id=f"i-{n % 2}") for n in range(6)]
HELLO = {"data": {"workflow": "hello_workflow"}}
LETTERS = [
    dead_letter(id="l-1", reason="invalid_input", event=HELLO),
    dead_letter(id="l-2", reason="invalid_json", event={"data": "text"}),
    dead_letter(id="l-3", reason="invalid_input", event={"data": {"workflow": "other"}}),
    dead_letter(id="l-4", reason="undeliverable", event={"data_base64": "/w=="}),
]


class Kept:
    def __init__(self, records: Sequence[Any]) -> None:
        self._records = records
        self.limits: list[int] = []

    def newest(self, wanted: Callable[[Any], bool], limit: int, offset: int = 0) -> list[Any]:
        self.limits.append(limit)
        return [record for record in self._records if wanted(record)][offset : offset + limit]


def get(
    path: str, not_ready: str | None = None, notices: Kept | None = None, **params: Any
) -> httpx.Response:
    service = service_of(not_ready, notices=notices or Kept(NOTICES), dead_letters=Kept(LETTERS))
    return ask(build_app(cast(Notifier, service)), "GET", path, params=params)


def ids(answer: httpx.Response) -> list[str]:
    document = answer.json()
    assert document["next"] is None
    return [item["id"] for item in document["items"]]


def test_notices_are_listed_and_found_by_instance() -> None:
    assert ids(get("/notices")) == [one.id for one in NOTICES]
    assert ids(get("/notices", instance_id="i-1")) == ["n-1", "n-3", "n-5"]
    assert ids(get("/notices", instance_id="nobody")) == []


def test_notices_come_in_pages() -> None:
    page = get("/notices", instance_id="i-1", limit=2).json()
    assert [one["id"] for one in page["items"]] == ["n-1", "n-3"]
    assert ids(get("/notices", instance_id="i-1", limit=2, cursor=page["next"])) == ["n-5"]


@pytest.mark.parametrize(
    ("params", "found"),
    [
        ({}, ["l-1", "l-2", "l-3", "l-4"]),
        ({"reason": "invalid_input"}, ["l-1", "l-3"]),
        ({"workflow": "hello_workflow"}, ["l-1"]),
        ({"reason": "invalid_json", "workflow": "hello_workflow"}, []),
    ],
)
def test_dead_letters_are_found_by_reason_and_workflow(
    params: dict[str, Any], found: list[str]
) -> None:
    assert ids(get("/dead-letters", **params)) == found


def test_dead_letters_come_in_pages() -> None:
    page = get("/dead-letters", limit=3).json()
    assert [one["id"] for one in page["items"]] == ["l-1", "l-2", "l-3"]
    assert ids(get("/dead-letters", limit=3, cursor=page["next"])) == ["l-4"]


def test_a_limit_is_clamped_above_and_refused_below() -> None:
    kept = Kept(NOTICES)
    get("/notices", notices=kept, limit=100_000)
    assert kept.limits == [1001]  # one more says whether a page follows
    assert get("/notices", limit=0).status_code == 422


def test_readiness_says_what_is_missing() -> None:
    ready = get("/readyz")
    assert (ready.status_code, ready.json()) == (200, {"status": "ready"})
    waiting = get("/readyz", not_ready="Redis does not answer")
    assert (waiting.status_code, waiting.json()) == (503, {"status": "Redis does not answer"})
    assert get("/healthz", not_ready="Redis does not answer").status_code == 200
