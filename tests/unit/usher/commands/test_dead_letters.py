"""Dead letters by command, against services that answer as told: what is asked, sent, exited."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from tests.support.answers import LETTER
from usher.commands.app import app
from usher.session import Wiring

ITEM = {"id": "l-1", "event_id": "e-1", "reason": "unknown_workflow"}
PUBLISHED = {**ITEM, "done": "published", "instance_id": "i-1"}


def told(*items: dict[str, Any], count: int | None = None, skipped: int = 0) -> list[Any]:
    """Return the messages of a redrive; by default a complete one."""
    begun = {"count": len(items) if count is None else count, "skipped": skipped}
    return [begun, *({**begun, "item": item} for item in items)]


class Services:
    """A notifier that lists these letters and redrives as told, and an orchestrator."""

    def __init__(
        self, *letters: dict[str, Any], redrive: list[Any] | None = None, would: str = "started"
    ) -> None:
        self._letters = letters
        self._redrive = redrive or []
        self._would = would
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if request.url.path == "/explain":
            return httpx.Response(200, json={"disposition": self._would, "instance_id": "i-1"})
        if request.url.path == "/dead-letters/redrive":
            lines = [f"data: {json.dumps(message)}\r\n\r\n" for message in self._redrive]
            return httpx.Response(200, text=": ping\r\n\r\n" + "".join(lines))
        return httpx.Response(200, json={"items": self._letters, "next": None})

    def run(self, *args: str, stdin: bytes | None = None) -> Result:
        wiring = Wiring(http=lambda _: httpx.Client(transport=httpx.MockTransport(self)))
        return CliRunner().invoke(app, args, input=stdin, obj=wiring)

    def redrive(self, *args: str, code: int = 0) -> dict[str, Any]:
        result = self.run("redrive", *args, "--json")
        assert result.exit_code == code, result.output
        document: dict[str, Any] = json.loads(result.stdout)
        return document

    def wanted(self) -> dict[str, Any]:
        """Return what the notifier was asked to redrive."""
        (asked,) = self.asked
        assert (asked.method, asked.url.port) == ("POST", 8082)
        body: dict[str, Any] = json.loads(asked.content)
        return body


def test_dead_letters_are_asked_for_as_told() -> None:
    services = Services({**LETTER, "message": "[bold]not bold[/bold]"})
    result = services.run("dead-letters", "--reason", "expired", "--workflow", "w", "--limit", "5")
    assert result.exit_code == 0, result.output
    assert dict(services.asked[0].url.params) == {
        "reason": "expired",
        "workflow": "w",
        "limit": "5",
    }
    assert services.asked[0].url.path == "/dead-letters"
    assert "unknown_instance" in result.stdout
    assert "[bold]not bold[/bold]" in result.stdout


def test_a_dry_run_is_asked_for_and_told_as_it_came() -> None:
    item = {**ITEM, "would": "parked", "instance_id": "i-1", "field": None, "message": None}
    services = Services(redrive=told(item))
    assert services.redrive("--all") == {"dry_run": True, "count": 1, "items": [item]}
    assert services.wanted() == {"again": False, "dry_run": True, "rate": 50}
    shown = services.run("redrive", "--all").stdout
    assert "1 would be sent again; --yes does it" in shown
    assert "parked" in shown


@pytest.mark.parametrize("would", ["impossible", "skipped", "refused"])
def test_a_dry_run_counts_only_what_would_be_sent(would: str) -> None:
    left, sent = ({**ITEM, "would": one, "message": "why"} for one in (would, "parked"))
    shown = Services(redrive=told(left, sent)).run("redrive", "--all").stdout
    assert "1 would be sent again; --yes does it" in shown


def test_a_redrive_asks_for_what_is_meant() -> None:
    services = Services(redrive=told(PUBLISHED))
    words = ("--reason", "expired", "--workflow", "w", "--yes", "--again", "--rate", "7")
    assert services.redrive(*words)["items"] == [PUBLISHED]
    narrowed = {"reason": "expired", "workflow": "w"}
    assert services.wanted() == {**narrowed, "again": True, "dry_run": False, "rate": 7}


@pytest.mark.parametrize(
    ("words", "since"),
    [
        ("2030-01-01T12:00:00Z", "2030-01-01T12:00:00Z"),
        ("2030-01-01T12:00:00", "2030-01-01T12:00:00Z"),
        ("2030-01-01T12:00:00-12:00", "2030-01-01T12:00:00-12:00"),
    ],
)
def test_since_is_a_time(words: str, since: str) -> None:
    services = Services(redrive=told())
    services.redrive("--since", words)
    assert services.wanted()["since"] == since


def test_since_is_a_time_ago() -> None:
    services = Services(redrive=told())
    services.redrive("--since", "2h")
    ago = datetime.now(UTC) - datetime.fromisoformat(services.wanted()["since"])
    assert timedelta(hours=2) <= ago < timedelta(hours=2, minutes=5)


def test_a_refused_one_is_told_and_is_the_exit_code() -> None:
    refused = {**ITEM, "done": "refused", "field": "data", "message": "no"}
    assert Services(redrive=told(refused, PUBLISHED)).redrive("--all", code=5)["count"] == 2


def test_an_id_that_nobody_has_is_not_found() -> None:
    services = Services(redrive=told())
    assert services.run("redrive", "--id", "nobody").exit_code == 4
    assert services.wanted()["id"] == "nobody"


def test_those_redriven_already_are_counted() -> None:
    result = Services(redrive=told(skipped=3)).run("redrive", "--id", "l-1", "--yes")
    assert result.exit_code == 0
    assert "3 redriven already; --again includes them" in result.stderr


@pytest.mark.parametrize(
    ("messages", "said"),
    [
        (told(PUBLISHED, count=3), "Only 1 of 3"),
        ([*told(PUBLISHED, count=3), {"count": 3, "skipped": 0, "away": "it rains"}], "it rains"),
        ([], "no redrive"),
    ],
    ids=["the notifier stopped", "the starter is away", "another version"],
)
def test_what_ends_early_is_no_success(messages: list[Any], said: str) -> None:
    result = Services(redrive=messages).run("redrive", "--all", "--yes")
    assert result.exit_code == 3
    assert said in result.stderr


@pytest.mark.parametrize("words", [(), ("--yes",), ("--since", "soon"), ("--since", "10x")])
def test_what_is_meant_must_be_said(words: tuple[str, ...]) -> None:
    services = Services()
    assert services.run("redrive", *words).exit_code == 2
    assert services.asked == []


@pytest.mark.parametrize(("would", "code"), [("started", 0), ("parked", 0), ("dead_lettered", 5)])
def test_explain_sends_the_bytes_and_exits_with_the_answer(
    tmp_path: Path, would: str, code: int
) -> None:
    file, services = tmp_path / "event.json", Services(would=would)
    file.write_bytes(b"\xff{")
    for result in (
        services.run("explain", str(file)),
        services.run("explain", "-", stdin=b"\xff{"),
    ):
        assert result.exit_code == code
        assert would in result.stdout
    assert [one.content for one in services.asked] == [b"\xff{", b"\xff{"]


def test_explain_names_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    result = Services().run("explain", str(tmp_path / "none.json"))
    assert result.exit_code == 2
    assert "none.json" in result.stderr
