"""`usher publish --wait`: what it prints and how it exits, by how the run ends."""

import json
from typing import Any

import httpx
import pytest

from tests.support import answers
from tests.unit.usher.commands.test_app import ACCEPTED, Services

STARTED = {**answers.RECORD, "instance_id": ACCEPTED["instance_id"]}
NOTICE: dict[str, Any] = {
    "instance_id": ACCEPTED["instance_id"],
    "workflow": "hello_workflow",
    "outcome": "COMPLETED",
    "output": "Hello",
    "error": None,
    "custom_status": None,
    "started_at": answers.SEEN,
    "finished_at": answers.SEEN,
    "duration_s": 0.5,
    "id": "n-1",
    "seen_at": answers.SEEN,
}


class Ending(Services):
    """Services whose run ends after some looks at it; None where it never does."""

    def __init__(self, outcome: str | None, record: dict[str, Any], after: int = 2) -> None:
        super().__init__(httpx.Response(202, json=ACCEPTED))
        self._outcome, self._record, self._left = outcome, record, after

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/events":
            self._left -= 1
            assert dict(request.url.params) == {"source": "/usher/starter", "id": "e-1"}
            if self._left > 0:  # not delivered yet
                return httpx.Response(404)
            return httpx.Response(200, json=self._record)
        if request.url.path == "/notices":
            assert request.url.params["instance_id"] == ACCEPTED["instance_id"]
            found = [{**NOTICE, "outcome": self._outcome}] if self._outcome else []
            return httpx.Response(200, json={"items": found, "next": None})
        return super().__call__(request)


@pytest.mark.parametrize(
    ("outcome", "exit_code"),
    [("COMPLETED", 0), ("FAILED", 6), ("TERMINATED", 7), ("UNREADABLE", 6)],
)
def test_the_exit_code_says_how_the_run_ended(outcome: str, exit_code: int) -> None:
    result = Ending(outcome, STARTED).run("publish", "hello_workflow", "--wait", "--json")
    assert result.exit_code == exit_code
    assert json.loads(result.stdout) == {**NOTICE, "outcome": outcome}
    shown = Ending(outcome, STARTED).run("publish", "hello_workflow", "--wait")
    assert "hello_workflow-1 (event e-1)" in shown.stderr
    assert outcome in shown.stdout


def test_a_run_that_does_not_end_in_time_is_told_and_goes_on() -> None:
    result = Ending(None, STARTED).run("publish", "w", "--wait", "--timeout", "1s")
    assert result.exit_code == 8
    assert "hello_workflow-1 has not ended within 1 s." in result.stderr
    assert "usher status hello_workflow-1" in result.stderr


def test_a_request_that_was_dead_lettered_all_the_same_ends_the_wait() -> None:
    lettered = {**STARTED, "disposition": "dead_lettered"}
    result = Ending(None, lettered).run("publish", "w", "--wait")
    assert (result.exit_code, result.stdout) == (5, "")
    assert "usher trace e-1" in result.stderr


@pytest.mark.parametrize("args", [("--timeout", "3s"), ("--wait", "--timeout", "soon")])
def test_a_timeout_that_cannot_be_used_is_named(args: tuple[str, ...]) -> None:
    services = Ending("COMPLETED", STARTED)
    result = services.run("publish", "w", *args)
    assert (result.exit_code, services.requests) == (2, [])
    assert "--timeout" in result.stderr
