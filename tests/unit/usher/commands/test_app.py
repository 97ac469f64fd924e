"""The command line against services that answer as told: what it sends, prints and exits with."""

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from tests.support import answers
from usher.commands.app import app
from usher.session import Wiring

Env = dict[str, str]
ACCEPTED = {"instance_id": "hello_workflow-1", "event_id": "e-1"}
INSTANCE = {
    "instance_id": "trip-1",
    "workflow": "approval_workflow",
    "status": "FAILED",
    "created_at": "2030-01-01T00:00:00Z",
    "updated_at": "2030-01-01T00:00:01Z",
    "input": {"subject": "[bold]a trip[/bold]"},
    "output": None,
    "custom_status": None,
    "error": {"type": "RuntimeError", "message": "no luck"},
}
PROBLEM = {
    "type": "about:blank",
    "title": "The event cannot be served",
    "status": 422,
    "detail": "instance ids are letters, digits, _ and -",
    "reason": "invalid_instance_id",
    "errors": [{"field": "instance_id", "message": "instance ids are letters, digits, _ and -"}],
}


class Services:
    """All three services: records what is asked, answers one thing.

    What is asked before an event is sent is kept apart, and answered with `explanation`.
    """

    def __init__(self, answer: httpx.Response | Exception, **explanation: Any) -> None:
        self._answer = answer
        self._explanation = {"disposition": "started", **explanation}
        self._checks = True
        self.requests: list[httpx.Request] = []
        self.checked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        answers = isinstance(self._answer, httpx.Response) and self._answer.is_success
        if self._checks and answers and request.url.path == "/explain":
            self.checked.append(request)
            return httpx.Response(200, json=self._explanation)
        self.requests.append(request)
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer

    def run(self, *args: str, stdin: bytes | None = None, env: Env | None = None) -> Result:
        self._checks = args[:1] != ("explain",)
        wiring = Wiring(http=lambda _: httpx.Client(transport=httpx.MockTransport(self)))
        return CliRunner().invoke(app, args, input=stdin, env=env, obj=wiring)


def accepting() -> Services:
    return Services(httpx.Response(202, json=ACCEPTED))


def problem(status: int, **fields: Any) -> Services:
    headers = {"content-type": "application/problem+json"}
    return Services(httpx.Response(status, json=PROBLEM | fields, headers=headers))


def test_publish_posts_the_input_as_typed_to_the_starter() -> None:
    services = accepting()
    result = services.run(
        "publish",
        "hello_workflow",
        '{"n": 1.10}',
        "--id",
        "o-7",
        "--instance-id",
        "i",
    )
    assert result.exit_code == 0, result.output
    (request,) = services.requests
    assert request.method == "POST"
    assert request.url == "http://127.0.0.1:8080/workflows/hello_workflow?instance_id=i"
    assert request.content == b'{"n": 1.10}'
    assert request.headers["content-type"] == "application/json"
    assert request.headers["idempotency-key"] == "o-7"
    assert "hello_workflow-1" in result.stdout
    assert "e-1" in result.stdout


def test_publish_without_input_sends_no_body_and_no_key() -> None:
    services = accepting()
    assert services.run("publish", "approval_workflow").exit_code == 0
    (request,) = services.requests
    assert request.content == b""
    assert request.url.query == b""
    assert "idempotency-key" not in request.headers


def test_input_dash_reads_standard_input() -> None:
    services = accepting()
    assert services.run("publish", "hello_workflow", "-", stdin='"Zoë"'.encode()).exit_code == 0
    assert services.requests[0].content == '"Zoë"'.encode()


def test_names_in_a_path_are_escaped() -> None:
    services = accepting()
    assert services.run("event", "a/b?c", "go on").exit_code == 0
    assert services.requests[0].url.raw_path == b"/instances/a%2Fb%3Fc/events/go%20on"


def test_event_posts_its_data_to_the_instance() -> None:
    services = accepting()
    result = services.run("event", "trip-1", "approval", '{"approved": true}', "--id", "d-9")
    assert result.exit_code == 0
    (request,) = services.requests
    assert request.url == "http://127.0.0.1:8080/instances/trip-1/events/approval"
    assert json.loads(request.content) == {"approved": True}
    assert request.headers["idempotency-key"] == "d-9"


@pytest.mark.parametrize("text", ["Ada", "", "{", "NaN", '{"a": 1, "a": 2}', "[" * 100_000])
@pytest.mark.parametrize("command", [("publish", "hello_workflow"), ("event", "trip-1", "go")])
def test_what_is_not_json_is_named_and_not_sent(command: tuple[str, ...], text: str) -> None:
    services = accepting()
    result = services.run(*command, text)
    assert result.exit_code == 2
    assert services.requests == []
    assert result.stdout == ""
    assert ("INPUT" if command[0] == "publish" else "DATA") in result.stderr
    assert "'\"Ada\"'" in result.stderr


@pytest.mark.parametrize("event_id", ["", "a\nb", "é", " a"])
def test_an_id_that_no_header_can_carry_is_not_sent(event_id: str) -> None:
    services = accepting()
    result = services.run("publish", "hello_workflow", "--id", event_id)
    assert result.exit_code == 2
    assert services.requests == []
    assert "--id" in result.stderr


def test_status_of_a_failed_instance_is_found() -> None:
    services = Services(httpx.Response(200, json=INSTANCE))
    result = services.run("status", "trip-1")
    assert result.exit_code == 0
    assert services.requests[0].url == "http://127.0.0.1:8080/status/trip-1"
    assert "FAILED" in result.stdout
    assert "[bold]a trip[/bold]" in result.stdout
    assert "custom_status" not in result.stdout


def test_workflows_are_the_orchestrators() -> None:
    services = Services(httpx.Response(200, json={"items": [answers.WORKFLOW], "next": None}))
    result = services.run("workflows")
    assert result.exit_code == 0
    assert services.requests[0].url.copy_with(query=None) == "http://127.0.0.1:8081/workflows"
    assert '{"name": "Ada"}' in result.stdout


@pytest.mark.parametrize(
    ("answer", "args"),
    [
        (ACCEPTED, ("publish", "hello_workflow")),
        (ACCEPTED, ("event", "trip-1", "approval")),
        (INSTANCE, ("status", "trip-1")),
        ({"items": [], "next": None}, ("workflows",)),
    ],
)
def test_json_prints_the_services_document_and_nothing_else(
    answer: dict[str, Any], args: tuple[str, ...]
) -> None:
    result = Services(httpx.Response(200, json=answer)).run(*args, "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == answer
    assert result.stderr == ""


@pytest.mark.parametrize(
    ("services", "exit_code"),
    [
        (problem(500), 1),
        (problem(400), 5),
        (problem(422), 5),
        (problem(404), 4),
        (problem(503), 3),
        (Services(httpx.Response(200, html="<h1>Tomcat</h1>")), 3),
        (Services(httpx.Response(302, headers={"location": "/login"})), 3),
        (Services(httpx.ConnectError("refused")), 3),
        (Services(httpx.ReadTimeout("")), 3),
    ],
)
@pytest.mark.parametrize("args", [("status", "x"), ("publish", "w"), ("event", "x", "e")])
def test_exit_codes(services: Services, exit_code: int, args: tuple[str, ...]) -> None:
    for_people = services.run(*args)
    assert (for_people.exit_code, for_people.stdout) == (exit_code, "")
    assert for_people.stderr
    for_programs = services.run(*args, "--json")
    assert for_programs.exit_code == exit_code
    assert json.loads(for_programs.stdout)["error"]["exit_code"] == exit_code


def test_a_refusal_names_the_field_once() -> None:
    result = problem(422).run("publish", "w", "--instance-id", "no good")
    assert result.stderr.count("instance_id: instance ids are letters") == 1
    assert result.stderr.count("instance ids are letters") == 1


def test_a_refusal_tells_programs_the_reason() -> None:
    error = json.loads(problem(422).run("publish", "w", "--json").stdout)["error"]
    assert error["reason"] == "invalid_instance_id"
    assert error["errors"] == PROBLEM["errors"]


@pytest.mark.parametrize(
    ("args", "name", "url"),
    [
        (("status", "x"), "starter", "http://127.0.0.1:8080"),
        (("workflows",), "orchestrator", "http://127.0.0.1:8081"),
    ],
)
def test_unreachable_says_which_where_and_what_to_do(
    args: tuple[str, ...], name: str, url: str
) -> None:
    result = Services(httpx.ConnectError("refused")).run(*args)
    assert result.exit_code == 3
    for said in (name, url, "usher up", f"USHER_{name.upper()}_URL"):
        assert said in result.stderr


def test_urls_of_the_environment_win_over_the_stacks_ports() -> None:
    services = accepting()
    port = {"USHER_STARTER_PORT": "9080"}
    services.run("publish", "w", env=port)
    services.run("publish", "w", env=port | {"USHER_STARTER_URL": "http://far/usher/"})
    assert [str(request.url) for request in services.requests] == [
        "http://127.0.0.1:9080/workflows/w",
        "http://far/usher/workflows/w",
    ]


@pytest.mark.parametrize("variable", ["USHER_STARTER_PORT", "USHER_STARTER_URL"])
def test_a_setting_that_cannot_be_used_is_named(variable: str) -> None:
    result = accepting().run("status", "x", env={variable: "nonsense"})
    assert result.exit_code == 2
    assert variable in result.stderr


@pytest.mark.parametrize("args", [(), ("publish",), ("event",), ("status",), ("workflows",)])
def test_help_shows_examples_or_exit_codes(args: tuple[str, ...]) -> None:
    result = accepting().run(*args, "--help")
    assert result.exit_code == 0
    assert f"usher {args[0]} " in result.stdout if args else "Exit codes:" in result.stdout


def test_ps_asks_for_what_is_wanted_and_says_where_the_next_page_begins() -> None:
    services = Services(httpx.Response(200, json={"items": [INSTANCE], "next": "trip-1"}))
    result = services.run("ps", "--status", "failed", "--workflow", "w", "--limit", "1")
    assert result.exit_code == 0, result.output
    asked = services.requests[0].url
    assert (asked.port, asked.path) == (8081, "/instances")
    assert dict(asked.params) == {"status": "FAILED", "workflow": "w", "limit": "1"}
    assert "trip-1" in result.stdout
    assert "--cursor trip-1" in result.stderr


def test_ps_goes_on_after_a_cursor() -> None:
    services = Services(httpx.Response(200, json={"items": [], "next": None}))
    result = services.run("ps", "--cursor", "trip-1", "--json")
    assert json.loads(result.stdout) == {"items": [], "next": None}
    assert services.requests[0].url.params["cursor"] == "trip-1"
    assert services.run("ps", "--status", "AWAY").exit_code == 2


def test_waiting_lists_who_waits_for_what() -> None:
    wait = {**answers.WAIT, "instance_id": "trip-1"}
    services = Services(httpx.Response(200, json={"items": [wait], "next": None}))
    result = services.run("waiting", "--limit", "5")
    assert result.exit_code == 0, result.output
    assert (services.requests[0].url.port, services.requests[0].url.path) == (8081, "/waiting")
    assert re.search(r"trip-1 +w +approval +in \d+ d", result.stdout)
    exact = services.run("waiting", "--exact").stdout
    assert re.search(rf"trip-1 +w +approval +{answers.SEEN}", exact)


LETTERED = {**answers.RECORD, "disposition": "dead_lettered", "instance_id": None}


class Traced(Services):
    """A notifier that knows `trip-1`, an orchestrator whose ledger knows what `events` say."""

    def __init__(self, **events: str | None) -> None:
        super().__init__(httpx.Response(404))
        self._events = events

    def __call__(self, request: httpx.Request) -> httpx.Response:
        super().__call__(request)
        if request.url.path == "/timeline/trip-1":
            step = {"begin": answers.SEEN, "kind": "activity", "name": "book", "seconds": 0.1}
            step |= {"end": None, "state": "done", "note": "", "until": None, "child": ""}
            story = {"instance": INSTANCE, "notice": None, "steps": [step]}
            return httpx.Response(200, json=story)
        event = request.url.params.get("id")
        if request.url.path == "/events" and event in self._events:
            told = {**answers.RECORD, "instance_id": self._events[event]}
            return httpx.Response(200, json=told)
        if request.url.path == "/routes":
            gone: dict[str, Any] = {
                "channel": "trips",
                "id": "lost",
                "source": "/usher/send",
                "type": "trip.lost",
            }
            gone |= {"at": answers.SEEN, "why": {"trip/start": "type: it looks for trip.planned"}}
            told = {"items": [], "digest": "d", "unrouted_total": 1, "unrouted": [gone]}
            return httpx.Response(200, json=told)
        if request.url.path == "/events/routed":
            own = request.url.params["source"] == "/usher/send"
            named = own and event == "placed"
            shown = {**answers.RECORD, "instance_id": "trip-1"}
            routes = ("trip/start", "log/start") if named else ()
            items = [{**shown, "route": route} for route in routes]
            if own and event == "refused":
                items = [{**shown, "route": "trip/start"}, {**LETTERED, "route": "log/start"}]
            return httpx.Response(200, json={"items": items, "next": None})
        if request.url.path == "/dead-letters":
            letter = {**answers.LETTER, "route": "log/start", "reason": "no_key", "field": "data.k"}
            letter["event"] = {**answers.LETTER["event"], "id": "refused", "source": "/usher/send"}
            other = {**letter, "route": "trip/start"}  # redriven since
            return httpx.Response(200, json={"items": [letter, other], "next": None})
        return httpx.Response(404)


def test_trace_shows_the_chain_of_an_instance() -> None:
    result = Traced().run("trace", "trip-1")
    assert result.exit_code == 0, result.output
    assert re.search(rf"{answers.SEEN}\s+activity\s+book", result.stdout)


def test_trace_finds_an_event_by_source_and_id_and_its_instance() -> None:
    services = Traced(order="trip-1")
    found = json.loads(services.run("trace", "order", "--source", "/shop", "--json").stdout)
    assert (found["event"]["disposition"], found["instance"]) == ("started", INSTANCE)
    assert services.requests[1].url.params["source"] == "/shop"


@pytest.mark.parametrize("instance", [None, "purged"])
def test_trace_shows_an_event_without_an_instance(instance: str | None) -> None:
    found = json.loads(Traced(order=instance).run("trace", "order", "--json").stdout)
    assert (found["event"]["instance_id"], found["steps"]) == (instance, [])


def test_trace_shows_what_each_route_made_of_an_event_that_was_sent() -> None:
    result = Traced().run("trace", "placed")
    assert re.search(r"log/start\s+started\s+trip-1", result.stdout)
    found = json.loads(Traced().run("trace", "placed", "--json").stdout)
    assert (found["event"]["route"], found["instance"]) == ("trip/start", INSTANCE)
    assert [one["route"] for one in found["by_routes"]] == ["trip/start", "log/start"]


def test_trace_shows_why_a_route_refused_an_event() -> None:
    result = Traced().run("trace", "refused")
    assert re.search(r"trip/start +started +trip-1 *\n", result.stdout), result.output
    assert re.search(r"log/start +dead_lettered +no_key +data.k", result.stdout)
    found = json.loads(Traced().run("trace", "refused", "--json").stdout)
    assert [one.get("reason") for one in found["by_routes"]] == [None, "no_key"]


@pytest.mark.parametrize(
    ("args", "following"),
    [((), "usher trace e-1"), (("--source", "/my shop"), "usher trace e-1 --source '/my shop'")],
)
def test_send_names_the_command_that_shows_what_became_of_it(
    args: tuple[str, ...], following: str
) -> None:
    services = Services(httpx.Response(202, json={"instance_id": None, "event_id": "e-1"}))
    result = services.run("send", "orders", "{}", "--type", "t", *args)
    assert following in result.stdout.splitlines()


def test_dead_letters_name_their_routes_if_any_has_one() -> None:
    other = {**answers.LETTER, "route": "w/start"}
    page = {"items": [other, answers.LETTER], "next": None}
    shown = Services(httpx.Response(200, json=page)).run("dead-letters").stdout
    assert re.search(r"instance_id +w/start +e ", shown), shown
    page = {"items": [answers.LETTER], "next": None}
    assert "route" not in Services(httpx.Response(200, json=page)).run("dead-letters").stdout


def test_trace_of_an_event_that_no_route_was_for_says_why() -> None:
    result = Traced().run("trace", "lost")
    assert result.exit_code == 4
    assert "No route was for the event 'lost' from /usher/send on trips." in result.stderr
    assert "trip/start: type: it looks for trip.planned" in result.stderr


def test_trace_of_what_nobody_knows_is_not_found() -> None:
    assert Traced().run("trace", "nobody").exit_code == 4


def explained(tmp_path: Path, *args: str, **told: Any) -> Result:
    (tmp_path / "event.json").write_text("{}")
    services = Services(httpx.Response(200, json={"disposition": "unrouted", **told}))
    return services.run("explain", str(tmp_path / "event.json"), *args)


def test_explain_shows_a_row_for_each_route_of_the_topic(tmp_path: Path) -> None:
    served = {"disposition": "started", "route": "a", "instance_id": "w-1"}
    failing = {"disposition": "dead_lettered", "route": "b", "reason": "no_key", "field": "data.id"}
    left = {"c": "type: it looks for moved"}
    many = {"disposition": "started", "topic": "orders", "not_matched": left}
    result = explained(tmp_path, "--topic", "orders", **many, routes=[served, failing])
    assert result.exit_code == 5, result.output
    assert re.search(r"a +started +w-1", result.stdout)
    assert re.search(r"b +dead_lettered +no_key +data.id", result.stdout)
    assert re.search(r"c +not_matched +type: it looks for moved", result.stdout)
    assert "Explanation(" not in result.stdout
    assert explained(tmp_path, "--topic", "orders", **many, routes=[served]).exit_code == 0


def test_explain_of_what_is_no_command_names_the_option_for_routes(tmp_path: Path) -> None:
    assert "--topic" in explained(tmp_path, disposition="dead_lettered").stderr
    command = {"disposition": "started", "topic": "workflow-requests"}
    assert explained(tmp_path, **command).stderr == ""


def routes_listed(*changes: dict[str, Any]) -> list[str]:
    items = [{**answers.ROUTES["items"][0], **one} for one in changes]
    found = Services(httpx.Response(200, json={**answers.ROUTES, "items": items, "unrouted": []}))
    return [line.rstrip() for line in found.run("routes", "list").stdout.splitlines()]


def test_routes_list_has_room_on_a_screen_of_80_columns() -> None:
    name, topic = "cart_workflow/start_or_deliver", "payments"
    long = {"name": name, "workflow": "cart_workflow", "verb": "start_or_deliver", "channel": topic}
    lines = routes_listed(long, {"name": "w/start-2"})
    assert lines[1].split() == ["name", "channel", "matched", "refused", "last_matched"]
    assert max(map(len, lines)) <= 80


def test_routes_list_says_what_the_name_of_a_route_does_not() -> None:
    moved = {"name": "moved", "workflow": "crm"}
    _, head, *rows = routes_listed(moved, {"name": "w/by", "paused": True}, {"paused": True})
    assert head.split()[:3] == ["name", "does", "channel"]
    assert [re.split("  +", row)[:3] for row in rows] == [
        ["moved", "start crm", "orders"],
        ["w/by", "start, paused", "orders"],
        ["w/start", "paused", "orders"],
    ]


def test_routes_list_says_why_an_event_is_unrouted() -> None:
    result = Services(httpx.Response(200, json=answers.ROUTES)).run("routes", "list")
    assert re.search(r"e-1 +w/start +type: it looks for placed", result.stdout), result.output
