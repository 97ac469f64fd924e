"""Dead letters by command, against services that answer as told: what is asked, sent, exited."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from usher.commands.app import app
from usher.session import Wiring

STARTER, ORCHESTRATOR, NOTIFIER = 8080, 8081, 8082
REFUSAL = {"detail": "no", "reason": "invalid_json", "errors": [{"field": "data", "message": "no"}]}


def letter(name: str, **more: Any) -> dict[str, Any]:
    event = {"id": f"e-{name}", "source": "/shop", "type": "t", "data": {"workflow": "w"}}
    return {
        "id": f"l-{name}",
        "reason": "unknown_workflow",
        "field": "workflow",
        "message": "no workflow is named 'w'",
        "topic": "workflow-requests",
        "attempts": 1,
        "first_seen": "2030-01-01T00:00:00Z",
        "last_seen": "2030-01-01T00:00:00Z",
        "redriven_at": None,
        "event": event,
        **more,
    }


class Services:
    """A notifier with these letters, newest first; a starter that refuses the events named."""

    def __init__(self, *letters: dict[str, Any], refuses: str = "", would: str = "started") -> None:
        self._letters = letters
        self._refuses = refuses
        self._would = would
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if request.url.port == STARTER:
            if json.loads(request.content)["id"] == self._refuses:
                return httpx.Response(422, json=REFUSAL)
            return httpx.Response(202, json={"instance_id": "i-1", "event_id": "e"})
        if request.url.port == ORCHESTRATOR:
            return httpx.Response(200, json={"disposition": self._would, "instance_id": "i-1"})
        if request.method == "POST":
            return httpx.Response(200, json={})
        return httpx.Response(200, json={"items": self._letters, "next": None})

    def run(self, *args: str, stdin: bytes | None = None) -> Result:
        wiring = Wiring(http=lambda _: httpx.Client(transport=httpx.MockTransport(self)))
        return CliRunner().invoke(app, args, input=stdin, obj=wiring)

    def redrive(self, *args: str, code: int = 0) -> dict[str, Any]:
        result = self.run("redrive", *args, "--rate", "1000", "--json")
        assert result.exit_code == code, result.output
        document: dict[str, Any] = json.loads(result.stdout)
        return document

    def sent(self) -> list[dict[str, Any]]:
        return [json.loads(one.content) for one in self.asked if one.url.port == STARTER]

    def noted(self) -> list[str]:
        posts = [one for one in self.asked if one.url.port == NOTIFIER and one.method == "POST"]
        return [one.url.raw_path.decode() for one in posts]


def test_dead_letters_are_asked_for_as_told() -> None:
    services = Services(letter("1", message="[bold]not bold[/bold]"))
    result = services.run("dead-letters", "--reason", "expired", "--workflow", "w", "--limit", "5")
    assert result.exit_code == 0, result.output
    assert dict(services.asked[0].url.params) == {
        "reason": "expired",
        "workflow": "w",
        "limit": "5",
    }
    assert services.asked[0].url.path == "/dead-letters"
    assert "e-1" in result.stdout
    assert "[bold]not bold[/bold]" in result.stdout


def test_a_dry_run_counts_and_asks_and_sends_nothing() -> None:
    services = Services(letter("2", attempts=3), letter("1"), would="dead_lettered")
    told = services.redrive("--all")
    assert (told["dry_run"], told["count"]) == (True, 2)
    assert [item["event_id"] for item in told["items"]] == ["e-1", "e-2"]
    assert {item["would"] for item in told["items"]} == {"dead_lettered"}
    asked = [json.loads(one.content) for one in services.asked if one.url.port == ORCHESTRATOR]
    assert [one["redrive"] for one in asked] == ["1", "3"]
    assert (services.sent(), services.noted()) == ([], [])


def test_a_redrive_sends_the_event_as_it_was_and_notes_the_attempt() -> None:
    event = {"id": "e", "source": "/s", "type": "t", "sequence": "7", "data_base64": "//4="}
    services = Services(letter("1", attempts=2, event=event))
    assert services.redrive("--id", "e", "--yes")["count"] == 1
    assert services.sent() == [{**event, "specversion": "1.0", "redrive": "2"}]
    assert services.noted() == ["/dead-letters/l-1/redriven?attempts=2"]
    kinds = [one.headers["content-type"] for one in services.asked if one.url.port == STARTER]
    assert kinds == ["application/cloudevents+json"]


def test_a_refused_one_is_told_and_not_noted_and_the_others_go_on() -> None:
    services = Services(letter("2"), letter("1"), refuses="e-1")
    done = services.redrive("--all", "--yes", code=5)
    assert [item["done"] for item in done["items"]] == ["refused", "published"]
    assert services.noted() == ["/dead-letters/l-2/redriven?attempts=1"]


def test_an_event_without_identity_is_told_and_not_sent() -> None:
    services = Services(letter("1", event={"data": "garbage"}))
    assert services.redrive("--all")["items"][0]["would"] == "impossible"
    told = services.redrive("--all", "--yes")["items"][0]
    assert (told["done"], told["message"]) == ("impossible", "the event has no id and source")
    assert services.sent() == []


def test_what_has_expired_is_told_and_not_sent() -> None:
    services = Services(letter("1", reason="expired"))
    assert services.redrive("--all", "--yes")["items"][0]["done"] == "impossible"
    assert services.sent() == []


def test_an_id_that_nobody_has_is_not_found() -> None:
    assert Services(letter("1")).run("redrive", "--id", "nobody").exit_code == 4


def test_one_redriven_already_is_sent_only_again() -> None:
    services = Services(letter("1", redriven_at="2030-01-01T00:01:00Z"))
    assert services.redrive("--all", "--yes")["count"] == 0
    assert services.sent() == []
    assert services.redrive("--all", "--yes", "--again")["count"] == 1
    assert len(services.sent()) == 1


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("--id", "l-1"), ["l-1"]),
        (("--id", "e-2"), ["l-2"]),
        (("--since", "2030-01-01T12:00:00Z"), ["l-2"]),
        (("--since", "2030-01-01T12:00:00"), ["l-2"]),
        (("--since", "2030-01-01T12:00:00-12:00"), ["l-2"]),
        (("--all", "--since", "2030-01-03T12:00:00Z"), []),
    ],
)
def test_selectors_narrow_it_down(words: tuple[str, ...], found: list[str]) -> None:
    services = Services(letter("2", last_seen="2030-01-02T00:00:00Z"), letter("1"))
    assert [item["id"] for item in services.redrive(*words)["items"]] == found


@pytest.mark.parametrize("words", [(), ("--yes",), ("--since", "soon"), ("--since", "10x")])
def test_what_is_meant_must_be_said(words: tuple[str, ...]) -> None:
    services = Services(letter("1"))
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
