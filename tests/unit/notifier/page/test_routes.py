"""The pages and what they do, with neighbours whose answers a test tells."""

import html
import json
import math
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import quote

import httpx
import pytest
from redis import RedisError

from contracts.calls import Call
from contracts.http import Instance
from contracts.records import DeadLetter
from notifier.page.overview import UNWATCHED, OverviewReader
from notifier.records.shapes import DEAD_LETTERS
from notifier.records.store import RecentRecords
from notifier.service_clients import Orchestrator
from tests.support.answers import INSTANCE, PARKED, RECORD, SEEN, WAIT
from tests.support.house import LETTER, NOTICE, PROBLEM, House, Kept


def test_the_page_may_run_its_own_script_only_and_shows_payloads_as_text() -> None:
    answer = House().ask("GET", "/")
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert 'data-last="7-0"' in answer.text
    assert "&lt;script&gt;" in answer.text
    assert "://" not in answer.text.replace("http://www.w3.org", ""), "nothing from elsewhere"


def counted(house: House) -> str:
    """Return how many wait while their event lies aside, as Prometheus is told."""
    house.ask("GET", "/")
    return house.ask("GET", "/metrics").text.rpartition("usher_instances_waiting_event_aside ")[2]


def test_who_waits_while_its_event_lies_aside_is_counted() -> None:
    house = House()
    assert float(counted(house)) == 1
    house.letters.records["l-1"]["redriven_at"] = SEEN
    assert float(counted(house)) == 0
    house.answers["/parked"] = {"items": [{**PARKED, "instance_id": "I-2"}]}
    assert float(counted(house)) == 1
    house.answers["/parked"] = httpx.ConnectError("away")
    assert math.isnan(float(counted(house)))


def all_again(house: House, **form: str) -> str:
    answer = house.ask("POST", "/redrive", form)
    return html.unescape(answer.text)


def test_all_that_a_filter_shows_are_sent_again_the_oldest_first() -> None:
    house = House()
    names = ("e-3", "e-2", "e-1")  # the newest first, as the notifier keeps them
    letters = [{**LETTER, "id": one, "event": {**LETTER["event"], "id": one}} for one in names]
    other = {**LETTER, "id": "other", "reason": "expired"}
    gone = {**LETTER, "id": "gone", "redriven_at": SEEN}
    house.letters = Kept(DEAD_LETTERS, *letters, other, gone)
    assert "Send all again" in house.ask("GET", "/").text
    said = all_again(house, mode="dry")
    assert "3 would be sent again: 3 started." in said
    assert house.published() == []
    assert "0 would be sent again" in all_again(house, mode="dry", instance="somebody-else")
    assert "0 sent again" in all_again(house, mode="real", reason="invalid_json")
    assert house.published() == []
    assert "3 sent again." in all_again(house, mode="real", reason="unknown_instance")
    sent = [json.loads(one.content) for one in house.published()]
    assert [(one["id"], one["redrive"]) for one in sent] == [(n, "2") for n in reversed(names)]
    assert "0 sent again." in all_again(house, mode="real")
    assert "Send all again" not in house.ask("GET", "/").text


def test_what_is_refused_or_cannot_be_sent_stays_and_is_told() -> None:
    house = House(events=httpx.Response(422, json=PROBLEM))
    assert "0 sent again, 1 were refused." in all_again(house, mode="real")
    house.answers["/events"] = httpx.ConnectError("gone")
    assert "0 sent again, 1 are left. Then: " in all_again(house, mode="real")
    house.answers["/explain"] = httpx.ConnectError("gone")
    assert "Not done: " in all_again(house, mode="dry")
    assert not house.letters.records["l-1"]["redriven_at"]


WAITING = {
    "type": "TIMER_CREATED",
    "timestamp": SEEN,
    "event_id": 1,
    "name": "approval",
    "task_scheduled_id": None,
    "error": None,
    "purpose": "event",
    "until": None,
}


def test_however_many_watch_an_answer_is_good_for_three_times_as_long_as_it_took() -> None:
    now, asked = [0.0], list[float]()

    def answer(call: Call[Any]) -> Any:
        if call.path == "/parked":
            return call.returns(items=[])
        if call.path == "/routes":
            return None
        asked.append(now[0])
        now[0] += 2
        return call.returns.model_validate({"items": [WAIT], "next": None})

    orchestrator = cast(Orchestrator, SimpleNamespace(ask=answer, find=answer))
    reader = OverviewReader(
        orchestrator, cast("RecentRecords[DeadLetter]", Kept(DEAD_LETTERS, LETTER)), lambda: now[0]
    )
    for now[0] in (0, 2, 7.9, 8):
        assert reader.look().blocked == 1
    assert asked == [0, 8]
    for now[0] in (49.9, 50):
        assert reader.look(UNWATCHED).blocked == 1
    assert asked == [0, 8, 50]


def test_of_ever_so_many_that_wait_the_one_whose_event_lies_aside_is_marked() -> None:
    other = {**WAIT, "instance_id": "i-1"}
    house = House(waiting={"items": [other], "next": "i-1"})
    house.answers["/instances/i-2"] = {**INSTANCE, "instance_id": "i-2"}
    house.answers["/instances/i-2/history"] = {"items": [WAITING], "next": None}
    assert float(counted(house)) == 1
    assert house.ask("GET", "/").text.count("Approve") == 2
    house.letters.records["l-1"]["event"] = {"id": "e", "source": "/s", "data": {"workflow": "w"}}
    assert float(counted(house)) == 0


def test_a_wait_whose_event_was_dead_lettered_is_marked_until_it_is_sent_again() -> None:
    house = House()
    assert "row marked" in house.ask("GET", "/").text
    assert "row marked" not in house.ask("GET", "/?workflow=other").text
    house.letters.records["l-1"]["redriven_at"] = SEEN
    assert "row marked" not in house.ask("GET", "/").text


@pytest.mark.parametrize("path", ["/", "/instances/i-1", "/start"])
def test_with_the_orchestrator_away_the_rest_is_shown(path: str) -> None:
    away = httpx.ConnectError("refused")
    house = House(workflows=away, waiting=away, **{"instances/i-1": away})
    answer = house.ask("GET", path)
    assert answer.status_code == 200
    assert "The orchestrator does not answer" in answer.text
    assert "refused" not in answer.text


@pytest.mark.parametrize("path", ["/", "/instances/i-1", "/start"])
def test_with_an_orchestrator_that_refuses_the_rest_is_shown(path: str) -> None:
    refuses = httpx.Response(421, json={**PROBLEM, "status": 421})
    house = House(workflows=refuses, waiting=refuses, **{"instances/i-1": refuses})
    assert house.ask("GET", path).status_code == 200


def test_what_was_known_before_is_shown_with_its_age() -> None:
    house = House(**{"instances/i-1": INSTANCE})
    answers = dict(house.answers)
    assert "Nothing is parked" in house.ask("GET", "/").text
    house.answers = {**answers, "/waiting": httpx.Response(500, text="<_InactiveRpcError of RPC>")}
    text = house.ask("GET", "/").text
    assert "nothing of that is known yet" in text, "another process knows nothing"
    assert "Nothing is parked" not in text
    assert "InactiveRpcError" not in text


def test_a_store_that_is_away_is_503() -> None:
    def away() -> int:
        raise RedisError("refused")

    house = House()
    house.letters.count = away  # type: ignore[method-assign]
    assert house.ask("GET", "/").status_code == 503


def test_a_form_is_published_once_by_its_key() -> None:
    house = House()
    house.answers["became"] = RECORD
    form = {"key": "k-1", "input.name": "Grace", "instance_id": " i-1 "}
    answer = house.ask("POST", "/start/hello_workflow", form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/instances/i-1")
    (sent,) = house.published()
    assert json.loads(sent.content) == {"name": "Grace"}
    assert sent.url.params["instance_id"] == "i-1"
    for changed in (form, {**form, "input.name": "Ada"}, {**form, "key": "k-2"}):
        house.ask("POST", "/start/hello_workflow", changed)
    first, *later = [one.headers["idempotency-key"] for one in house.published()]
    assert [one == first for one in later] == [True, False, False]


@pytest.mark.parametrize(
    ("explained", "became", "said", "sent"),
    [
        ({"disposition": "dead_lettered", "reason": "instance_exists"}, None, "another run", 0),
        ({"disposition": "duplicate"}, None, "for the same workflow and input", 0),
        ({"disposition": "started"}, {"disposition": "dead_lettered"}, "another run", 1),
        ({"disposition": "started"}, {"disposition": "duplicate"}, "the same workflow", 1),
    ],
    ids=["taken", "an identical request", "taken meanwhile", "an identical request meanwhile"],
)
def test_an_id_that_is_taken_is_said_at_its_field(
    explained: dict[str, Any], became: Any, said: str, sent: int
) -> None:
    house = House(explain=explained)
    house.answers["became"] = became and {**RECORD, **became}
    form = {"key": "k-1", "input.name": "Grace", "instance_id": "i-1"}
    answer = house.ask("POST", "/start/hello_workflow", form)
    assert answer.status_code == 422
    assert 'id="instance_id-error"' in answer.text
    assert said in answer.text
    assert 'value="Grace"' in answer.text
    assert len(house.published()) == sent
    asked = [json.loads(one.content) for one in house.sent if one.url.path == "/explain"]
    assert [one["source"] for one in asked] == ["/usher/starter"]
    keys = {one.headers["idempotency-key"] for one in house.published()}
    assert keys <= {asked[0]["id"]}
    assert asked[0]["data"]["instance_id"] == "i-1"


def test_an_id_that_the_engine_has_past_usher_is_taken_too() -> None:
    house = House(**{"instances/i-1": INSTANCE})
    answer = house.ask("POST", "/start/hello_workflow", {"instance_id": "i-1"})
    assert "another run" in answer.text
    assert house.published() == []


def test_the_same_form_sent_twice_leads_to_its_run() -> None:
    house = House(explain={"disposition": "duplicate", "known": "started"})
    house.answers["became"] = RECORD
    answer = house.ask("POST", "/start/hello_workflow", {"key": "k-1", "instance_id": "i-1"})
    assert answer.headers["location"] == "/instances/i-1"


def test_where_nobody_knows_yet_what_became_of_a_form_the_run_says_it_later() -> None:
    away = httpx.ConnectError("refused")
    house = House(explain=away, **{"instances/i-1": away})
    house.answers["became"] = away
    house.ask("GET", "/start")
    answer = house.ask("POST", "/start/hello_workflow", {"key": "k-1", "instance_id": "i-1"})
    assert answer.headers["location"] == "/instances/i-1?sent=e-1"
    assert "started nothing" not in house.ask("GET", answer.headers["location"]).text
    house.answers["became"] = {**RECORD, "disposition": "dead_lettered"}
    assert "started nothing" in house.ask("GET", answer.headers["location"]).text


@pytest.mark.parametrize(
    ("answers", "field"),
    [
        (
            {"explain": {"disposition": "dead_lettered", "field": "input.name", "message": "no!"}},
            "input.name",
        ),
        (
            {
                "workflows/hello_workflow": httpx.Response(
                    422, json={**PROBLEM, "errors": [{"field": "instance_id", "message": "no!"}]}
                )
            },
            "instance_id",
        ),
    ],
)
def test_a_refusal_is_shown_at_its_field(answers: dict[str, Any], field: str) -> None:
    answer = House(**answers).ask("POST", "/start/hello_workflow", {"input.name": "Grace"})
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert 'value="Grace"' in answer.text


STALLED = {"reason": "PATCH_MISMATCH", "message": "no patch 'night'", "since": SEEN}


@pytest.mark.parametrize("stalled", [{"stalled": STALLED}, {}])
def test_a_stalled_run_is_marked_with_its_reason_and_what_to_do(stalled: dict[str, Any]) -> None:
    run = {**INSTANCE, "instance_id": "i-2", "status": "STALLED", **stalled}
    wait = {**WAIT, "status": "STALLED"}
    house = House(waiting={"items": [wait], "next": None}, **{"instances/i-2": run})
    house.answers["/instances/i-2/history"] = {"items": [WAITING]}
    house.stalled = [Instance.model_validate(run)]
    text = html.unescape(house.ask("GET", "/instances/i-2").text)
    assert "usher terminate i-2" in text
    assert text.count("PATCH_MISMATCH") == len(stalled)
    listed = house.ask("GET", "/").text
    assert listed.count("Stalled<") == 2
    for shown in (text, listed):
        assert "Approve" not in shown


@pytest.mark.parametrize("instance_id", ["trip-1:0001", "a/b", "ü x"])
def test_every_id_that_the_engine_has_has_its_page(instance_id: str) -> None:
    house = House()
    accepted = {"instance_id": instance_id, "event_id": "e-1"}
    house.answers |= {f"/instances/{instance_id}/events/approval": accepted}
    path = f"/instances/{quote(instance_id, safe='')}"
    assert html.escape(instance_id) in house.ask("GET", path).text
    house.ask("POST", f"{path}/events/approval", {"data": "1"})
    (sent,) = house.published()
    assert sent.url.raw_path.decode() == f"{path}/events/approval"
    house.ask("POST", f"{path}/resume")
    assert json.loads(house.published()[1].content)["data"]["instance_id"] == instance_id


@pytest.mark.parametrize("event", [{"data": "text"}, {"data_base64": "/w=="}, {"data": [1]}, {}])
def test_a_letter_whose_event_says_nothing_of_itself_is_shown(event: dict[str, Any]) -> None:
    """It comes from a sidecar, which forwards whatever the entry was."""
    house = House()
    house.letters = Kept(DEAD_LETTERS, {**LETTER, "reason": "undeliverable", "event": event})
    answer = house.ask("GET", "/")
    assert answer.status_code == 200
    assert "Event without an id" in answer.text


def test_a_completion_that_was_truncated_says_so() -> None:
    house = House()
    assert "Truncated" not in house.ask("GET", "/").text
    house.notice = {**NOTICE, "truncated": ["output"]}
    assert "too large for a completion event: output" in house.ask("GET", "/").text


def test_a_starter_that_is_away_is_said_and_what_was_typed_is_kept() -> None:
    house = House(**{"workflows/hello_workflow": httpx.ConnectError("refused")})
    answer = house.ask("POST", "/start/hello_workflow", {"input.name": "Grace"})
    assert answer.status_code == 422
    assert "does not answer" in answer.text
    assert 'value="Grace"' in answer.text


def test_the_same_answer_to_the_same_wait_is_one_event() -> None:
    house = House()
    path = "/instances/i-2/events/approval"
    yes = {"data": '{"approved": true}', "since": SEEN}
    for form in (yes, yes, {**yes, "data": '{"approved": false}'}, {**yes, "since": "later"}):
        assert house.ask("POST", path, form).status_code == 200
    keys = [one.headers["idempotency-key"] for one in house.published()]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3
    assert house.ask("POST", path, {"data": "{"}).status_code == 422
    assert len(house.published()) == 4


def test_a_dry_run_publishes_nothing_and_a_redrive_is_noted() -> None:
    house = House()
    path, form = "/dead-letters/l-1/redrive", {"attempts": "2", "mode": "dry"}
    assert "It would be started" in house.ask("POST", path, form).text
    assert house.published() == []
    assert house.letters.records["l-1"]["redriven_at"] is None
    assert "sent again" in house.ask("POST", path, {**form, "mode": "real"}).text
    (sent,) = house.published()
    assert json.loads(sent.content)["redrive"] == "2"
    assert house.letters.records["l-1"]["redriven_at"]


@pytest.mark.parametrize(
    ("letter", "said"),
    [
        ({"attempts": 3}, "dead-lettered again"),
        ({"reason": "expired"}, "it has expired"),
        ({"event": {"data": 1}}, "no id and source"),
    ],
)
def test_a_redrive_that_cannot_be_is_said(letter: dict[str, Any], said: str) -> None:
    house = House()
    house.letters = Kept(DEAD_LETTERS, {**LETTER, **letter})
    form = {"attempts": "2", "mode": "real"}
    answer = house.ask("POST", "/dead-letters/l-1/redrive", form)
    assert answer.status_code == 422
    assert said in answer.text
    assert house.published() == []


def test_what_is_not_there_is_404() -> None:
    house = House()
    assert house.ask("GET", "/start/nobody").status_code == 404
    assert house.ask("POST", "/dead-letters/l-9/redrive", {"mode": "dry"}).status_code == 404
    assert house.ask("GET", "/instances/i-9").status_code == 200, "it may come yet"
    assert house.ask("GET", "/static/usher.js").status_code == 200


def test_a_timeline_is_the_chain_of_an_instance_as_json() -> None:
    found = House().ask("GET", "/timeline/i-1").json()
    assert found["notice"]["id"] == "n-1"
    assert [(step["kind"], step["seconds"]) for step in found["steps"]] == [("notified", 0.0)]
    assert House().ask("GET", "/timeline/nobody").status_code == 404
    away = House(**{"instances/i-1": httpx.ConnectError("refused")})
    assert away.ask("GET", "/timeline/i-1").status_code == 503
