"""The redrive: which dead letters, in which order, what is sent and marked, and how it ends."""

import asyncio
import json
from contextlib import aclosing
from typing import Any

import httpx
import pytest

from notifier.records.shapes import DEAD_LETTERS
from notifier.redrive import Redriver
from tests.support.house import ACCEPTED, LETTER, PROBLEM, House, Kept

PATH = "/dead-letters/redrive"


def letter(name: str, **more: Any) -> dict[str, Any]:
    event = {"id": f"e-{name}", "source": "/shop", "type": "t", "data": {"workflow": "w"}}
    about = {"reason": "unknown_workflow", "topic": "workflow-requests", "attempts": 1}
    return {**LETTER, "id": f"l-{name}", **about, "event": event, **more}


def house(*letters: dict[str, Any], **answers: Any) -> House:
    """Return a notifier with these letters, newest first."""
    found = House(**answers)
    found.letters = Kept(DEAD_LETTERS, *letters)
    return found


def messages(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/event-stream")
    lines = answer.text.splitlines()
    return [json.loads(line.removeprefix("data:")) for line in lines if line.startswith("data:")]


def redrive(notifier: House, **wanted: Any) -> list[dict[str, Any]]:
    """Redrive, and return what became of each."""
    wanted = {"dry_run": False, "rate": 10_000, **wanted}
    begun, *others = messages(notifier.ask("POST", PATH, json=wanted))
    assert begun["count"] == len(others)
    return [other["item"] for other in others]


def sent(notifier: House) -> list[dict[str, Any]]:
    return [json.loads(request.content) for request in notifier.published()]


def marked(notifier: House) -> list[str]:
    return [name for name, one in notifier.letters.records.items() if one["redriven_at"]]


def test_a_dry_run_asks_the_oldest_first_and_sends_nothing() -> None:
    notifier = house(letter("2", attempts=3), letter("1"), explain={"disposition": "parked"})
    items = redrive(notifier, dry_run=True)
    assert [(item["event_id"], item["would"]) for item in items] == [
        ("e-1", "parked"),
        ("e-2", "parked"),
    ]
    assert [json.loads(request.content)["redrive"] for request in notifier.sent] == ["1", "3"]
    assert (sent(notifier), marked(notifier)) == ([], [])


def test_without_being_told_so_nothing_is_sent() -> None:
    notifier = house(letter("1"))
    assert len(messages(notifier.ask("POST", PATH, json={}))) == 2
    assert sent(notifier) == []


def test_a_redrive_sends_the_event_as_it_was_and_marks_the_letter() -> None:
    event = {"id": "e", "source": "/s", "type": "t", "sequence": "7", "data_base64": "//4="}
    notifier = house(letter("1", attempts=2, event=event))
    (item,) = redrive(notifier)
    assert (item["done"], item["instance_id"]) == ("published", ACCEPTED["instance_id"])
    assert sent(notifier) == [{**event, "specversion": "1.0", "redrive": "2"}]
    kinds = [request.headers["content-type"] for request in notifier.published()]
    assert kinds == ["application/cloudevents+json"]
    assert marked(notifier) == ["l-1"]


def test_a_refused_one_is_not_marked_and_the_others_go_on() -> None:
    def starter(request: httpx.Request) -> Any:
        refused = json.loads(request.content)["id"] == "e-1"
        problem = {**PROBLEM, "errors": [{"field": "data", "message": "no"}]}
        return httpx.Response(422, json=problem) if refused else httpx.Response(202, json=ACCEPTED)

    notifier = house(letter("2"), letter("1"), events=starter)
    first, second = redrive(notifier)
    assert (first["done"], first["field"], first["message"]) == ("refused", "data", "no")
    assert second["done"] == "published"
    assert marked(notifier) == ["l-2"]


@pytest.mark.parametrize(
    ("more", "why"),
    [({"event": {"data": "garbage"}}, "no id and source"), ({"reason": "expired"}, "has expired")],
)
@pytest.mark.parametrize("dry_run", [True, False])
def test_one_that_is_impossible_is_told_and_stands_in_no_others_way(
    more: dict[str, Any], why: str, dry_run: bool
) -> None:
    notifier = house(letter("2"), letter("1", **more))
    first, second = redrive(notifier, dry_run=dry_run)
    assert first["would" if dry_run else "done"] == "impossible"
    assert why in first["message"]
    assert second["would" if dry_run else "done"] == ("started" if dry_run else "published")


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_cancelled_start_is_sent_only_by_its_reason_or_id(dry_run: bool) -> None:
    """The cancel that came first must win over a redrive of everything."""
    what, expected = ("would", "started") if dry_run else ("done", "published")
    for wanted in ({}, {"workflow": "w"}, {"since": "2000-01-01T00:00:00Z"}):
        notifier = house(letter("2"), letter("1", reason="cancelled_early"))
        first, second = redrive(notifier, dry_run=dry_run, **wanted)
        assert (first[what], second[what]) == ("skipped", expected)
        assert "cancelled" in first["message"]
        assert marked(notifier) == ([] if dry_run else ["l-2"])
    for wanted in ({"reason": "cancelled_early"}, {"id": "e-1"}, {"id": "l-1"}):
        (item,) = redrive(house(letter("1", reason="cancelled_early")), dry_run=dry_run, **wanted)
        assert item[what] == expected


def test_one_redriven_already_is_sent_only_if_asked_for() -> None:
    notifier = house(letter("1", redriven_at="2030-01-01T00:01:00Z"))
    (begun,) = messages(notifier.ask("POST", PATH, json={"dry_run": False}))
    assert begun == {"count": 0, "skipped": 1}
    assert len(redrive(notifier, again=True)) == 1


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"id": "l-1"}, ["l-1"]),
        ({"id": "e-2"}, ["l-2"]),
        ({"id": "nobody"}, []),
        ({"reason": "invalid_input"}, ["l-3"]),
        ({"workflow": "w", "reason": "unknown_workflow"}, ["l-1", "l-2"]),
        ({"workflow": "other"}, []),
        ({"since": "2030-01-02T00:00:00Z"}, ["l-2"]),
        ({"since": "2030-01-02T01:00:00+01:00"}, ["l-2"]),
        ({"since": "2030-01-03T12:00:00Z"}, []),
    ],
)
def test_criteria_narrow_it_down(wanted: dict[str, Any], found: list[str]) -> None:
    letters = letter("2", last_seen="2030-01-02T00:00:00Z"), letter("1")
    notifier = house(*letters, letter("3", reason="invalid_input"))
    assert sorted(item["id"] for item in redrive(notifier, **wanted)) == found


@pytest.mark.parametrize(
    "wrong", [{"rate": 0}, {"rate": "fast"}, {"since": "2030-01-01T00:00:00"}, [], {"id": 7}]
)
def test_what_cannot_be_read_is_refused(wrong: Any) -> None:
    assert house(letter("1")).ask("POST", PATH, json=wrong).status_code == 422


def test_two_thousand_are_sent_once_each_in_their_order() -> None:
    notifier = house(*(letter(str(number)) for number in reversed(range(2000))))
    assert len(redrive(notifier, rate=1e9)) == 2000
    assert [one["id"] for one in sent(notifier)] == [f"e-{number}" for number in range(2000)]
    assert len(marked(notifier)) == 2000
    assert redrive(notifier) == []


def test_with_the_starter_away_it_ends_and_the_rest_is_unchanged() -> None:
    def starter(request: httpx.Request) -> Any:
        first = json.loads(request.content)["id"] == "e-1"
        return httpx.Response(202, json=ACCEPTED) if first else httpx.Response(503, json=PROBLEM)

    notifier = house(letter("3"), letter("2"), letter("1"), events=starter)
    wanted = {"dry_run": False, "rate": 10_000}
    begun, item, end = messages(notifier.ask("POST", PATH, json=wanted))
    assert begun["count"] == 3
    assert item["item"]["done"] == "published"
    assert "the starter cannot publish" in end["away"]
    assert marked(notifier) == ["l-1"]


def test_a_letter_that_changed_since_it_was_chosen_is_left_alone() -> None:
    """Somebody else redrives at the same time, or it was dead-lettered again."""
    notifier = house(letter("1"), letter("2"), letter("3"))
    notifier.app()
    redriver: Redriver = notifier.service.redriver
    chosen = redriver.choose(lambda _: True)
    notifier.letters.records["l-1"]["attempts"] = 2
    notifier.letters.records["l-2"]["redriven_at"] = "2030-01-01T00:01:00Z"
    del notifier.letters.records["l-3"]
    items = [redriver.redrive(one, dry_run=False) for one in chosen]
    assert [item.done for item in items] == ["skipped"] * 3
    assert sent(notifier) == []


async def test_it_ends_where_its_reader_does() -> None:
    notifier = house(letter("3"), letter("2"), letter("1"))
    notifier.app()
    redriver: Redriver = notifier.service.redriver
    async with aclosing(redriver.each(redriver.choose(lambda _: True), dry_run=False)) as each:
        await anext(each)
    assert [one["id"] for one in sent(notifier)] == ["e-1"]
    assert marked(notifier) == ["l-1"]


def test_no_more_than_a_few_redrive_at_once() -> None:
    notifier = house(letter("1"))
    app = notifier.app()
    notifier.service.redrives = asyncio.Semaphore(0)

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.post(PATH, json={})

    answer = asyncio.run(ask())
    assert answer.status_code == 503
    assert "retry-after" in answer.headers


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://elsewhere.example"},
        {"sec-fetch-site": "cross-site"},
        {"host": "rebound.example"},
    ],
)
@pytest.mark.parametrize("path", [PATH, "/redrive", "/dead-letters/l-1/redrive"])
def test_another_web_site_cannot_redrive(path: str, headers: dict[str, str]) -> None:
    notifier = house(letter("1"))
    answer = notifier.ask("POST", path, json={"dry_run": False}, headers=headers)
    assert answer.status_code in (403, 421)
    assert sent(notifier) == []


def test_what_a_letter_says_ends_no_message() -> None:
    event = {"id": "e\u2028\x85\r\n", "source": "/s", "data": {"workflow": "w"}}
    notifier = house(letter("1", event=event))
    assert [item["event_id"] for item in redrive(notifier)] == [event["id"]]
