"""Starts that a route holds until they are due, on the real runtime."""

import os
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from chassis.client import CallFailed, send
from contracts import calls, identity
from tests.support.command import run_usher
from tests.support.driver import Driver, eventually, fresh, letters

COMES_BACK = 90
"""A restart, a lease of 12 s and the backoff of the engine, on a busy machine."""


def publish(usher: Driver, kind: str, key: str, event_id: str | None = None, **data: Any) -> str:
    """Publish an event of a reminder; return its id."""
    event_id = event_id or fresh(kind)
    attributes = {"type": f"com.acme.{kind}", "source": "/shop"}
    usher.cloudevent("reminders", event_id, {"id": key, **data}, **attributes)
    return event_id


def parked(usher: Driver, event_id: str) -> list[Any]:
    items = usher.get("orchestrator", "/parked", limit=1000)["items"]
    return [one for one in items if one["id"] == event_id]


def outcome(usher: Driver, event_id: str, route: str) -> Any:
    """Return what the audit learns of an event; None if nothing, or if nobody answers."""
    keys = [identity.event_key("/shop", event_id, f"shop_reminder/{route}")]
    with httpx.Client(base_url=usher.url("orchestrator", ""), trust_env=False) as client:
        try:
            found = send(client, calls.look_up_events(keys)).items
        except (CallFailed, httpx.TransportError):
            return None
    return found[0] if found else None


def has(usher: Driver, event_id: str, route: str, disposition: str, seconds: float = 30) -> Any:
    """Wait until the event has this disposition, and the audit misses nothing of it."""
    return eventually(
        lambda: outcome(usher, event_id, route),
        lambda found: bool(found) and found.disposition == disposition and not found.missing,
        seconds,
    )


def test_a_start_is_held_and_made_when_it_is_due(usher: Driver) -> None:
    key = fresh("r")
    instance, before = f"shop_reminder-{key}", datetime.now(UTC)
    started = publish(usher, "soon", key)
    has(usher, started, "start", "parked")
    assert usher.status(instance) is None
    publish(usher, "note", key, text="milk")
    notice = usher.notice(instance)
    assert notice["output"] == "milk"
    began = datetime.fromisoformat(notice["started_at"])
    assert timedelta(seconds=2) < began - before < timedelta(seconds=20)
    has(usher, started, "start", "started")
    publish(usher, "soon", key, started)
    eventually(lambda: usher.pending("reminders"), lambda n: n == 0)
    assert len(usher.notices(instance)) == 1


def test_a_held_start_is_shown_until_when(usher: Driver, tmp_path: Path) -> None:
    key = fresh("r")
    event_id = publish(usher, "later", key)
    (shown,) = eventually(lambda: parked(usher, event_id), bool)
    assert (shown["event"], shown["workflow"]) == ("start", "shop_reminder")
    due = datetime.fromisoformat(shown["until"])
    assert due - datetime.now(UTC) > timedelta(minutes=59)
    answer = usher.http.get(usher.url("starter", f"/status/shop_reminder-{key}"))
    assert (answer.status_code, "a start is held until" in answer.json()["detail"]) == (404, True)
    file = tmp_path / "event.json"
    file.write_text(
        f'{{"specversion": "1.0", "id": "{event_id}", "source": "/shop", '
        f'"type": "com.acme.later", "data": {{"id": "{key}"}}}}'
    )
    told = run_usher(usher, "explain", str(file), "--topic", "reminders")
    assert (told["disposition"], told["known"]) == ("parked", "parked")
    assert datetime.fromisoformat(told["until"]) == due


def test_a_time_of_the_event_is_when_it_is_due(usher: Driver) -> None:
    key = fresh("r")
    due = datetime.now(UTC) + timedelta(seconds=3)
    publish(usher, "due", key, due=due.isoformat())
    publish(usher, "note", key, text="tea")
    began = datetime.fromisoformat(usher.notice(f"shop_reminder-{key}")["started_at"])
    assert due - timedelta(milliseconds=100) < began
    wrong = publish(usher, "due", fresh("r"), due="some day")
    (letter,) = eventually(lambda: letters(usher, wrong), bool)
    assert letter["reason"] == "route_condition"


def test_a_held_start_is_cancelled_and_redriven(usher: Driver) -> None:
    key = fresh("r")
    event_id = publish(usher, "later", key)
    has(usher, event_id, "start-2", "parked")
    cancel = publish(usher, "done", key)
    (letter,) = eventually(lambda: letters(usher, event_id), bool)
    assert letter["reason"] == "cancelled_early"
    has(usher, cancel, "cancel", "controlled")
    assert parked(usher, event_id) == []
    done = run_usher(usher, "redrive", "--id", event_id, "--yes")
    assert [one["done"] for one in done["items"]] == ["published"]
    has(usher, event_id, "start-2", "parked")
    assert len(parked(usher, event_id)) == 1


def test_a_held_start_survives_the_orchestrator(usher: Driver) -> None:
    key = fresh("r")
    event_id = publish(usher, "soon", key)
    publish(usher, "note", key, text="bread")
    has(usher, event_id, "start", "parked")
    pid = usher.stack.pids()["orchestrator"]
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: usher.stack.pids().get("orchestrator"), lambda now: now not in (None, pid))
    assert usher.notice(f"shop_reminder-{key}", COMES_BACK)["output"] == "bread"
    has(usher, event_id, "start", "started")


STEPS = ["after-Ledger.reenter", "after-Engine.schedule_at", "after-Ledger.take_over"]
STEPS += ["after-Ledger.take", "before-Engine.schedule", "after-Engine.schedule"]


@pytest.mark.parametrize("step", STEPS)
def test_a_held_start_is_made_once_when_the_orchestrator_dies_at_a_step(
    usher: Driver, crash: Path, step: str
) -> None:
    key = fresh("r")
    (crash / step).touch()
    event_id = publish(usher, "soon", key)
    eventually(lambda: (crash / step).exists(), lambda armed: not armed)
    publish(usher, "note", key, text="bread")
    assert usher.notice(f"shop_reminder-{key}", COMES_BACK)["output"] == "bread"
    has(usher, event_id, "start", "started", COMES_BACK)
    assert letters(usher, event_id) == []


CANCELS = ["after-Ledger.create", "after-Ledger.change", "before-Outbox.dead_letter"]
CANCELS += ["after-Outbox.dead_letter", "after-Ledger.settle"]


@pytest.mark.parametrize("step", CANCELS)
def test_a_cancel_holds_when_the_orchestrator_dies_at_a_step(
    usher: Driver, crash: Path, step: str
) -> None:
    key = fresh("r")
    event_id = publish(usher, "later", key)
    has(usher, event_id, "start-2", "parked")
    (crash / step).touch()
    cancel = publish(usher, "done", key)
    eventually(lambda: (crash / step).exists(), lambda armed: not armed)
    has(usher, event_id, "start-2", "dead_lettered", COMES_BACK)
    has(usher, cancel, "cancel", "controlled", COMES_BACK)
    assert len(eventually(lambda: letters(usher, event_id), bool)) == 1
