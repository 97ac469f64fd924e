"""P9: what was put aside is sent again under its own id, once, and looked at first."""

import json
import os
import signal
from datetime import UTC, datetime
from functools import partial
from operator import eq, ne
from pathlib import Path
from typing import Any

import pytest

from tests.integration.test_promises import _done, _settled, _start, _tick
from tests.support.command import run_usher as _usher
from tests.support.driver import Driver, eventually, fresh

MANY = 40


def _put_aside(usher: Driver) -> tuple[str, str]:
    """Dead-letter an event for an instance that is not there, and return both ids."""
    instance = fresh("count")
    event_id = _tick(usher, instance, "late", ttl_seconds=0)
    assert usher.dead_letter(event_id)["reason"] == "unknown_instance"
    return instance, event_id


def test_p9_a_redrive_serves_the_event_once_its_cause_is_gone_and_twice_does_nothing_twice(
    usher: Driver, tmp_path: Path
) -> None:
    instance, event_id = _put_aside(usher)
    file = tmp_path / "tally"
    _start(usher, fresh("event"), instance, file=str(file), events=2, seconds=120)
    usher.running(instance)

    for _ in range(2):
        done = _usher(usher, "redrive", "--id", event_id, "--yes", "--again")
        assert [item["done"] for item in done["items"]] == ["published"]
    skipped = _usher(usher, "redrive", "--id", event_id, "--yes")
    assert skipped["count"] == 0
    assert _settled(usher, event_id)["disposition"] == "delivered"
    assert usher.dead_letter(event_id)["redriven_at"]

    _tick(usher, instance, "last")
    assert usher.notice(instance)["output"] == ["late", "last"]
    assert _done(file) == ["started", "tick:late", "tick:last"]


def test_p9_a_dry_run_counts_and_changes_nothing(usher: Driver) -> None:
    _, event_id = _put_aside(usher)
    told = _usher(usher, "redrive", "--id", event_id)
    assert (told["dry_run"], told["count"]) == (True, 1)
    assert told["items"][0]["would"] == "dead_lettered"
    assert _settled(usher, event_id)["disposition"] == "dead_lettered"
    assert usher.dead_letter(event_id)["redriven_at"] is None
    listed = _usher(usher, "dead-letters", "--reason", "unknown_instance")["items"]
    assert event_id in [one["event"]["id"] for one in listed]


def test_p9_put_aside_again_it_may_be_redriven_again(usher: Driver) -> None:
    _, event_id = _put_aside(usher)
    for attempts in (2, 3):
        _usher(usher, "redrive", "--id", event_id, "--yes")
        eventually(lambda: usher.dead_letter(event_id)["attempts"], partial(eq, attempts))
        letter = usher.dead_letter(event_id)
        assert letter["redriven_at"] is None
        assert letter["event"]["id"] == event_id


@pytest.mark.parametrize("cut", ["its caller goes away", "the notifier is killed"])
def test_p9_a_redrive_that_is_cut_off_loses_nothing_and_doubles_nothing(
    usher: Driver, tmp_path: Path, cut: str
) -> None:
    since, instance, file = datetime.now(UTC), fresh("count"), tmp_path / "tally"
    for number in range(MANY):
        _tick(usher, instance, number, ttl_seconds=0)
    eventually(lambda: len(_of(usher, instance)), partial(eq, MANY))
    _start(usher, fresh("event"), instance, file=str(file), events=MANY, seconds=120)
    usher.running(instance)

    wanted = {"since": since.isoformat(), "dry_run": False, "rate": 20}
    url = usher.url("notifier", "/dead-letters/redrive")
    pid = usher.stack.pids()["notifier"]
    with usher.http.stream("POST", url, json=wanted) as answer:
        lines = (line for line in answer.iter_lines() if line.startswith("data:"))
        for _ in range(10):
            next(lines)
        if cut == "the notifier is killed":
            os.kill(pid, signal.SIGKILL)
            eventually(lambda: usher.stack.pids().get("notifier", pid), partial(ne, pid))
            usher.stack.wait_healthy()
    assert 9 <= _redriven(usher, instance) < MANY

    done = _usher(usher, "redrive", "--since", since.isoformat(), "--yes")
    assert {item["done"] for item in done["items"]} == {"published"}
    assert sorted(usher.notice(instance, 120)["output"]) == list(range(MANY))
    assert sorted(_done(file)) == sorted(["started", *(f"tick:{n}" for n in range(MANY))])
    assert _redriven(usher, instance) == MANY


def _of(usher: Driver, instance: str) -> list[dict[str, Any]]:
    return [one for one in usher.dead_letters() if instance in str(one["event"])]


def _redriven(usher: Driver, instance: str) -> int:
    return sum(one["redriven_at"] is not None for one in _of(usher, instance))


def test_explain_says_what_would_become_of_an_event(usher: Driver, tmp_path: Path) -> None:
    file = tmp_path / "event.json"

    def explained(data: Any, code: int = 0) -> dict[str, Any]:
        file.write_text(json.dumps(data))
        return _usher(usher, "explain", str(file), code=code)

    instance, event_id = fresh("hello"), fresh("event")
    command = {"workflow": "hello_workflow", "input": "Ada", "instance_id": instance}
    event = {"specversion": "1.0", "id": event_id, "source": "/tests", "type": "t", "data": command}
    assert explained(event)["disposition"] == "started"
    assert usher.status(instance) is None
    usher.cloudevent("workflow-requests", event_id, command)
    usher.notice(instance)
    assert explained(event)["disposition"] == "duplicate"
    refused = explained({**command, "input": 7}, code=5)
    assert (refused["reason"], refused["field"]) == ("invalid_input", "input")
    parked = explained({"instance_id": fresh("nobody"), "event": "approval"})
    assert parked["disposition"] == "parked"
