"""Terminate, suspend, resume and purge: one instance, or all that fit, with a dry run."""

import json
from typing import Any

import httpx
import pytest

from tests.support import answers
from tests.unit.usher.commands.test_app import ACCEPTED, Services


class Running(Services):
    """Services with these instances, by status; a page holds one."""

    def __init__(self, refuses: str = "", **by_status: list[str]) -> None:
        super().__init__(httpx.Response(202, json=ACCEPTED))
        self._by_status, self._refuses = by_status, refuses
        self.listed: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/instances":
            return self._page(dict(request.url.params))
        if self._refuses and self._refuses in request.content.decode():
            return httpx.Response(422, json={"title": "no", "status": 422, "detail": "it is gone"})
        return super().__call__(request)

    def _page(self, params: dict[str, str]) -> httpx.Response:
        status, after = params["status"], params.get("cursor", "")
        self.listed.append(status)
        left = [one for one in self._by_status.get(status, []) if one > after]
        item = {**answers.INSTANCE, "status": status}
        items = [{**item, "instance_id": one} for one in left[:1]]
        following = left[0] if len(left) > 1 else None
        return httpx.Response(200, json={"items": items, "next": following})

    def controlled(self) -> list[dict[str, Any]]:
        return [json.loads(request.content)["data"] for request in self.requests]


def test_a_dry_run_shows_what_would_be_done_and_sends_nothing() -> None:
    services = Running(RUNNING=["trip-1", "trip-2", "visit-1"], SUSPENDED=["trip-3"])
    result = services.run("terminate", "--prefix", "trip-")
    assert (result.exit_code, services.requests) == (0, [])
    assert "3 would be terminated; --yes does it" in result.stdout
    assert "visit-1" not in result.stdout
    assert set(services.listed) == {"PENDING", "RUNNING", "SUSPENDED", "STALLED"}
    told = json.loads(services.run("terminate", "--prefix", "trip-", "--json").stdout)
    assert told["dry_run"] is True
    assert [one["instance_id"] for one in told["items"]] == ["trip-1", "trip-2", "trip-3"]


def test_with_yes_each_that_fits_gets_an_event_of_its_own() -> None:
    services = Running(RUNNING=["trip-1", "trip-2"])
    result = services.run("suspend", "--workflow", "w", "--yes", "--reason", "audit")
    assert result.exit_code == 0, result.output
    assert "2 will be suspended" in result.stdout
    assert services.controlled() == [
        {"instance_id": one, "control": "suspend", "reason": "audit"}
        for one in ("trip-1", "trip-2")
    ]
    assert len({json.loads(one.content)["id"] for one in services.requests}) == 2


def test_one_that_is_refused_holds_up_no_other() -> None:
    services = Running(refuses="trip-1", COMPLETED=["trip-1", "trip-2"])
    result = services.run("purge", "--status", "completed", "--yes")
    assert result.exit_code == 5
    assert "1 will be purged" in result.stdout
    assert "it is gone" in result.stdout
    assert [one["instance_id"] for one in services.controlled()] == ["trip-2"]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("terminate",), "Name one INSTANCE"),
        (("terminate", "trip-1", "--workflow", "w"), "Name one INSTANCE"),
        (("purge", "--status", "running"), "purge is for instances that are COMPLETED"),
        (("resume", "--workflow", "w", "--id", "e"), "--id is of one event"),
    ],
)
def test_what_is_not_clear_is_refused(args: tuple[str, ...], said: str) -> None:
    services = Running(RUNNING=["trip-1"])
    result = services.run(*args)
    assert (result.exit_code, services.requests, services.listed) == (2, [], [])
    assert said in result.stderr


def test_an_empty_list_says_so() -> None:
    assert "No instance fits." in Running().run("resume", "--workflow", "w").stdout
