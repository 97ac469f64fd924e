"""docker compose as the README has it: up, publish, watch the notifier, try to break in, again."""

import json
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from contracts.topics import PUBSUB, PUBSUB_ORDERED, Topic
from tests.support import engine, probes
from tests.support.composed import Composed
from tests.support.driver import eventually, fresh
from tests.support.probes import answers

SERVICES = ("starter", "orchestrator", "notifier")
WORKFLOWS = Path(__file__).parents[1] / "support" / "workflows"
TOKENS = {"DAPR_API_TOKEN": "shown-to-sidecars", "APP_API_TOKEN": "shown-to-services"}
OWN = {**TOKENS, "USHER_WORKFLOWS": str(WORKFLOWS), "USHER_SAMPLES": "1"}
REFUSED = {
    "publish": "401",
    "metadata": "401",
    "orchestrator:18081": "UNAUTHENTICATED",
    "notifier:18082": "UNAUTHENTICATED",
}
MEGABYTE = 1_000_000
pytestmark = pytest.mark.xdist_group("compose")  # one worker, one `up`


def test_up_is_healthy_within_a_minute(composed: Composed) -> None:
    assert composed.took < 60
    for service in ("redis", *SERVICES):
        assert composed.inspect(service)["State"]["Health"]["Status"] == "healthy"
    for service in ("placement", "scheduler", "jaeger", *(f"{one}-daprd" for one in SERVICES)):
        found = composed.inspect(service)
        assert (found["State"]["Running"], found["RestartCount"]) == (True, 0), service


def test_the_run_command_publishes_and_the_notifier_tells(composed: Composed) -> None:
    name = fresh("Ada")
    composed.compose("run", "--rm", "usher", "publish", "hello_workflow", f'"{name}"')
    eventually(lambda: composed.log("notifier"), lambda log: f"Hello, {name}!" in log)


def test_dapr_publish_reaches_the_sidecar_in_its_container(
    composed: Composed, dapr_cli: Path, seen_by_dapr: dict[str, str]
) -> None:
    name = fresh("Grace")
    told = subprocess.run(
        [
            *(str(dapr_cli), "publish", "--publish-app-id", "starter", "--pubsub", "pubsub"),
            *("--topic", "workflow-requests"),
            *("--data", json.dumps({"workflow": "hello_workflow", "input": name})),
        ],
        env=seen_by_dapr,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "published successfully" in told.stdout, told.stdout + told.stderr
    eventually(lambda: composed.log("notifier"), lambda log: f"Hello, {name}!" in log)


def test_jaeger_shows_one_trace_through_services_and_sidecars(composed: Composed) -> None:
    accepted = composed.post("/workflows/hello_workflow", json="Ada").json()
    composed.notice(accepted["instance_id"])
    query = f"http://127.0.0.1:{composed.jaeger_port}/api/traces"
    # The notifier's sidecar makes no span of what it delivers raw.
    sidecars = {"starter", "orchestrator"}
    wanted = {*sidecars, *(f"usher-{service}" for service in SERVICES)}

    def widest() -> set[str]:
        traces = composed.http.get(query, params={"service": "usher-notifier"}).json()["data"]
        seen = [{one["serviceName"] for one in t["processes"].values()} for t in traces or []]
        return max(seen, key=len, default=set())

    eventually(widest, lambda seen: seen >= wanted, 60)


def test_tokens_are_wanted_as_it_comes_and_are_nowhere_to_be_seen(composed: Composed) -> None:
    assert answers(composed.inside("starter", probes.WITHOUT_A_TOKEN)) == REFUSED
    lines = composed.inside("notifier", "print(open('/secrets/secrets.env').read())").split()
    tokens = [line.split("=")[1] for line in lines if "TOKEN=" in line]
    assert len({token for token in tokens if len(token) == 48}) == 2
    config = composed.compose("config").stdout
    names = composed.compose("ps", "--all", "--services").stdout.split()
    inspected = json.dumps([composed.inspect(name) for name in names])
    logs = composed.compose("logs", "--no-color").stdout
    table = composed.compose("top").stdout
    assert [t for t in tokens for seen in (config, inspected, logs, table) if t in seen] == []


@pytest.mark.parametrize("service", SERVICES)
def test_a_name_that_is_not_ours_reads_nothing(composed: Composed, service: str) -> None:
    answer = composed.http.get(composed.url(service, "/healthz"), headers={"host": "evil.example"})
    assert (answer.status_code, "USHER_HOSTS" in answer.json()["detail"]) == (421, True)


@pytest.mark.parametrize("app", SERVICES)
def test_an_app_publishes_what_is_its_part_in_the_flow_and_nothing_else(
    composed: Composed, app: str
) -> None:
    starters = composed.settings.starter_dapr_http_port
    port = {"starter": starters, "orchestrator": 3501, "notifier": 3502}[app]
    paths = [f"{PUBSUB}/{topic}" for topic in (*Topic, "another")] + [
        f"{PUBSUB_ORDERED}/{Topic.EVENTS}"
    ]
    said = answers(composed.inside(app, probes.PUBLISH_EVERYWHERE % {"port": port, "paths": paths}))
    topics: dict[str, set[str]] = {
        "starter": {Topic.REQUESTS, Topic.EVENTS, "another"},
        "orchestrator": {Topic.COMPLETIONS, Topic.DEAD_LETTERS},
        "notifier": set(),  # its sidecar forwards dead letters; the API is not open for it
    }
    assert {path for path, code in said.items() if code == "204"} == {
        f"{PUBSUB}/{topic}" for topic in topics[app]
    }
    assert {code for code in said.values() if code != "204"} <= {"403", "404"}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "metadata", 200),
        ("GET", "healthz", 204),
        ("POST", "shutdown", 404),
        ("GET", "state/statestore/key", 403),
        ("POST", "invoke/orchestrator/method/instances", 404),
        ("POST", "workflows/dapr/hello_workflow/start", 404),
        ("GET", "actors/type/id/state/key", 403),
        ("POST", "publish/pubsub/workflow-completions", 403),
        ("POST", "publish/pubsub/workflow-dead-letters", 403),
    ],
)
def test_the_open_sidecar_takes_requests_and_nothing_else(
    composed: Composed, method: str, path: str, status: int
) -> None:
    port = composed.settings.starter_dapr_http_port
    answer = composed.http.request(method, f"http://127.0.0.1:{port}/v1.0/{path}", json={})
    assert answer.status_code == status


def test_its_grpc_answers_no_more_than_its_http(composed: Composed) -> None:
    assert answers(composed.inside("notifier", probes.GRPC_OF_STARTERS_SIDECAR)) == {
        "GetMetadata": "OK",
        "Shutdown": "UNIMPLEMENTED",
        "GetState": "UNIMPLEMENTED",
        "GetWorkflowBeta1": "UNIMPLEMENTED",
        "PublishEvent": "PERMISSION_DENIED",
    }


def test_only_five_ports_are_published_and_only_on_loopback(composed: Composed) -> None:
    open_ports: dict[str, Any] = {}
    for service in composed.compose("ps", "--services").stdout.split():
        for inner, bindings in composed.inspect(service)["NetworkSettings"]["Ports"].items():
            if bindings:
                open_ports[f"{service} {inner}"] = [one["HostIp"] for one in bindings]
    sidecar = composed.settings.starter_dapr_http_port
    assert open_ports == {
        "starter 8080/tcp": ["127.0.0.1"],
        f"starter-daprd {sidecar}/tcp": ["127.0.0.1"],
        "orchestrator 8081/tcp": ["127.0.0.1"],
        "notifier 8082/tcp": ["127.0.0.1"],
        "jaeger 16686/tcp": ["127.0.0.1"],
    }
    with socket.socket() as elsewhere:
        elsewhere.settimeout(5)
        assert elsewhere.connect_ex((_address(), composed.settings.starter_port)) != 0


def _address() -> str:
    """This machine's own address, which is not its loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.connect(("192.0.2.1", 9))
        return str(asking.getsockname()[0])


def test_what_has_no_port_is_on_the_internal_network_alone(composed: Composed) -> None:
    project = f"{composed.project}_inside"
    assert json.loads(engine.docker("network", "inspect", project))[0]["Internal"] is True
    for service in ("redis", "placement", "scheduler", "orchestrator-daprd", "notifier-daprd"):
        assert set(composed.inspect(service)["NetworkSettings"]["Networks"]) == {project}, service


def test_the_image_is_small_holds_no_tools_and_writes_nowhere(composed: Composed) -> None:
    (image,) = json.loads(engine.docker("image", "inspect", "usher"))
    # Of which the CEL engine is six, and the client of Postgres ten.
    assert image["Size"] < 266 * MEGABYTE
    assert image["Config"]["User"] == "65532:65532"
    assert image["Config"]["Healthcheck"]
    for service in SERVICES:
        assert composed.inspect(service)["HostConfig"]["ReadonlyRootfs"], service
        assert answers(composed.inside(service, probes.WHAT_IS_IN_THE_IMAGE)) == {
            "uid": "65532",
            "tools": "[]",
            "/": "Read-only file system",
            "/usher": "Read-only file system",
            "/usr/local": "Read-only file system",
            "/tmp": "written",
        }


def test_a_sidecar_that_ends_comes_back_and_is_used_again(composed: Composed) -> None:
    """So that whoever finds it stuck may ask it to end, which `/v1.0/shutdown` is for."""
    shutdown = "http://orchestrator-daprd:3501/v1.0/shutdown"
    composed.inside("orchestrator", probes.SHUT_DOWN % shutdown)
    eventually(lambda: composed.inspect("orchestrator-daprd")["RestartCount"], bool, 60)
    accepted = composed.post("/workflows/hello_workflow", json="Ada").json()
    assert composed.notice(accepted["instance_id"], 60)["outcome"] == "COMPLETED"


def test_after_down_and_up_timers_go_on_and_early_events_are_served(composed: Composed) -> None:
    """The second time with all that is optional: tokens, and a folder of one's own workflows."""
    sleeper, early = fresh("sleeper"), fresh("early")
    composed.post(
        "/workflows/timer_workflow", params={"instance_id": sleeper}, json={"seconds": 20}
    ).raise_for_status()
    composed.running(sleeper)
    composed.down()
    composed.environment = OWN
    composed.up("starter")
    composed.post(
        "/workflows/whisper_workflow", params={"instance_id": early}, json="EARLY"
    ).raise_for_status()
    assert composed.compose("ps", "--services").stdout.split().count("orchestrator") == 0
    composed.up()
    assert composed.notice(early, 60)["output"] == "early"
    slept = composed.notice(sleeper, 60)
    assert (slept["outcome"], slept["duration_s"] >= 20) == ("COMPLETED", True)
    assert (
        composed.inside("notifier", "import os; print(os.environ['APP_API_TOKEN'])")
        == (TOKENS["APP_API_TOKEN"])
    )
    assert answers(composed.inside("starter", probes.WITHOUT_A_TOKEN)) == REFUSED


@pytest.fixture
def own(composed: Composed) -> Composed:
    """The stack with the tests' workflows, whichever test ran before."""
    if composed.environment != OWN:
        composed.environment = OWN
        composed.up()
    return composed


@pytest.mark.parametrize("way", ["dapr publish", "usher send", "POST /events"])
def test_an_event_of_ones_own_starts_a_workflow_of_ones_own(
    own: Composed, dapr_cli: Path, seen_by_dapr: dict[str, str], way: str
) -> None:
    """Nothing says which topics routes name but the routes themselves."""
    name, kind = fresh("visitor"), "com.acme.visit"
    data = {"country": "DE", "name": name}
    event = {"specversion": "1.0", "id": name, "source": "/shop", "type": kind, "data": data}
    match way:
        case "dapr publish":
            words = ("publish", "--publish-app-id", "starter", "--pubsub", "pubsub")
            told = subprocess.run(
                [str(dapr_cli), *words, "--topic", "visits", "--data", json.dumps(event)],
                env=seen_by_dapr,
                capture_output=True,
                text=True,
                timeout=60,
            )
            assert "published successfully" in told.stdout, told.stdout + told.stderr
        case "usher send":
            sent = ("send", "visits", json.dumps(data), "--type", kind)
            own.compose("run", "--rm", "usher", *sent)
        case "POST /events":
            head = {"content-type": "application/cloudevents+json"}
            answer = own.post("/events", params={"topic": "visits"}, json=event, headers=head)
            assert answer.status_code == 202
            answer = own.post("/events", params={"topic": "visit"}, json=event, headers=head)
            assert "did you mean 'visits'?" in answer.text
    eventually(lambda: own.log("notifier"), lambda log: name in log, 60)


def test_the_doctor_sees_all_and_names_only_streams_that_nobody_reads(composed: Composed) -> None:
    """Another test has left one, where it ran before."""
    port = composed.settings.starter_dapr_http_port
    url = f"http://127.0.0.1:{port}/v1.0/publish/pubsub/another"
    composed.http.post(url, json={}).raise_for_status()
    found = json.loads(composed.compose("run", "--rm", "usher", "doctor", "--json").stdout)
    assert [one["where"] for one in found["items"]] == ["the stream another"]
    assert (found["refusals"], found["not_seen"]) == (0, [])


def test_the_classic_builder_makes_the_image_too(composed: Composed) -> None:
    """Compose itself builds with BuildKit."""
    tag = f"{composed.project}-classic"
    engine.docker("build", "--network", "host", "--tag", tag, ".", DOCKER_BUILDKIT="0")
    engine.docker("image", "rm", tag)
