"""The embedded stack is closed as it comes: addresses, tokens, Redis's password, names."""

import stat
from collections.abc import Iterator
from typing import Any

import grpc
import httpx
import psutil
import pytest
from dapr.proto import api_service_v1, api_v1, appcallback_service_v1, appcallback_v1
from redis import AuthenticationError, Redis

from tests.support.driver import Driver, fresh
from usher.stack.supervision import Supervisor

OPEN_BY_TOKEN = ("orchestrator", "notifier")
REFUSED = {grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.UNIMPLEMENTED}


def sidecar(usher: Driver, app: str) -> str:
    return f"http://127.0.0.1:{usher.settings.ports()[f'{app}_dapr_http_port']}"


def own_processes(usher: Driver) -> Iterator[psutil.Process]:
    for pid in usher.stack.pids().values():
        process = psutil.Process(pid)
        yield from (process, *process.children(recursive=True))


def test_every_socket_of_the_stack_listens_on_loopback(usher: Driver) -> None:
    """Placement and scheduler of Dapr 1.18.2 would answer their health everywhere."""
    listening = {
        (connection.laddr.ip, connection.laddr.port)
        for process in own_processes(usher)
        for connection in process.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    }
    chosen = {usher.settings.broker, usher.settings.state}
    others = tuple({"kafka", "postgres"} - chosen)
    ports = {port for name, port in usher.settings.ports().items() if not name.startswith(others)}
    assert {port for _, port in listening} >= ports
    assert {ip for ip, _ in listening} <= {"127.0.0.1", "::1", "::ffff:127.0.0.1"}


@pytest.mark.parametrize("app", OPEN_BY_TOKEN)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "metadata"),
        ("POST", "shutdown"),
        ("POST", "state/ledger"),
        ("POST", "publish/pubsub/workflow-completions"),
        ("POST", "workflows/dapr/hello_workflow/start"),
        ("GET", "workflows/dapr/x"),
        ("GET", "state/ledger/x"),
        ("GET", "actors/a/b/state/c"),
    ],
)
def test_a_sidecar_does_nothing_for_who_has_no_token(
    usher: Driver, app: str, method: str, path: str
) -> None:
    url = f"{sidecar(usher, app)}/v1.0/{path}"
    for shown in ({}, {"dapr-api-token": ""}, {"dapr-api-token": usher.stack.secrets.app_token}):
        assert usher.http.request(method, url, headers=shown, json=[]).status_code == 401


@pytest.mark.parametrize("app", OPEN_BY_TOKEN)
def test_its_grpc_does_neither(usher: Driver, app: str) -> None:
    port = usher.settings.ports()[f"{app}_dapr_grpc_port"]
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = api_service_v1.DaprStub(channel)
        start: Any = channel.unary_unary("/TaskHubSidecarService/StartInstance")
        calls: list[Any] = [
            lambda: stub.GetMetadata(api_v1.GetMetadataRequest()),
            lambda: stub.Shutdown(api_v1.ShutdownRequest()),
            lambda: stub.GetState(api_v1.GetStateRequest(store_name="ledger", key="k")),
            lambda: start(b""),
        ]
        assert {refusal(call) for call in calls} <= REFUSED


@pytest.mark.parametrize("app", OPEN_BY_TOKEN)
def test_a_service_takes_no_delivery_from_who_has_no_token(usher: Driver, app: str) -> None:
    port = usher.settings.ports()[f"{app}_topic_port"]
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = appcallback_service_v1.AppCallbackStub(channel)
        event = appcallback_v1.TopicEventRequest(topic="workflow-requests")
        assert refusal(lambda: stub.OnTopicEvent(event)) == grpc.StatusCode.UNAUTHENTICATED


def refusal(call: Any) -> grpc.StatusCode | None:
    try:
        call()
    except grpc.RpcError as error:
        return error.code()
    return None


def test_redis_wants_its_password(usher: Driver) -> None:
    with Redis(port=usher.settings.redis_port) as stranger, pytest.raises(AuthenticationError):
        stranger.ping()
    with usher.redis() as known:
        assert known.ping()


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": ""},
        {"origin": "http://localhost:3500", "sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "same-origin", "host": "evil.example"},
        {"ORIGIN": "https://evil.example", "content-type": "text/plain"},
    ],
)
def test_the_open_sidecar_takes_nothing_from_a_web_page(
    usher: Driver, headers: dict[str, str]
) -> None:
    instance = fresh("hostile")
    command = {"workflow": "hello_workflow", "instance_id": instance, "input": "Eve"}
    url = f"{sidecar(usher, 'starter')}/v1.0/publish/pubsub/workflow-requests"
    for method in ("POST", "PUT"):
        answer = usher.http.request(method, url, json=command, headers=headers)
        assert answer.status_code == 403
    usher.request("hello_workflow", instance_id=fresh("hello"))  # a program still may
    assert usher.status(instance) is None


OWN_TOPICS = ("shop-orders", "shop:orders", "shop.orders")
KEYS = ("orchestrator||route-x", "a%7C%7Cb", "usher:none", "x/usher:none", "workflow-completions")


@pytest.mark.parametrize("way", ["publish", "publish/bulk"])
def test_whoever_may_publish_has_all_topics_but_none_that_is_a_key_of_ours(
    usher: Driver, way: str
) -> None:
    entries = [{"entryId": "1", "event": {}, "contentType": "application/json"}]
    for topic in (*OWN_TOPICS, *KEYS):
        url = f"{sidecar(usher, 'starter')}/v1.0/{way}/pubsub/{topic}"
        answer = usher.http.post(url, json=entries)
        assert answer.status_code == (204 if topic in OWN_TOPICS else 403), (topic, answer.text)
    with usher.redis() as redis:
        assert redis.delete(*OWN_TOPICS) == len(OWN_TOPICS)
        made = ("orchestrator||route-x", "a||b", "usher:none", "x/usher:none")
        assert redis.exists(*made) == 0


@pytest.mark.parametrize("app", ["starter", *OPEN_BY_TOKEN])
@pytest.mark.parametrize("path", ["state/ledger/k", "workflows/dapr/x", "secrets/a/b", "nowhere"])
def test_no_sidecar_lets_anyone_read_over_http(usher: Driver, app: str, path: str) -> None:
    """A rebound name sends no `Origin` with a GET, and would read the answer."""
    token = usher.stack.secrets.headers
    answer = usher.http.get(f"{sidecar(usher, app)}/v1.0/{path}", headers=token)
    assert answer.status_code == 403


PATHS = {
    "starter": (
        "/healthz",
        "/status/x",
        "/docs",
        "/asyncapi.json",
        "/asyncapi",
        "/metrics",
        "/nowhere",
    ),
    "orchestrator": ("/instances", "/workflows", "/waiting", "/docs", "/metrics"),
    "notifier": (
        "/",
        "/routes",
        "/notices",
        "/dead-letters",
        "/stream",
        "/static/page.css",
        "/metrics",
    ),
}


@pytest.mark.parametrize(("app", "path"), [(a, p) for a, paths in PATHS.items() for p in paths])
def test_a_service_answers_under_its_own_names_only(usher: Driver, app: str, path: str) -> None:
    for host in ("evil.example", "evil.example:8080", "127.0.0.1.evil.example", "localhost.evil"):
        answer = usher.http.get(usher.url(app, path), headers={"host": host})
        assert answer.status_code == 421
        assert answer.headers["content-type"] == "application/problem+json"
        assert "USHER_HOSTS" in answer.json()["detail"]
    for host in ("localhost", "127.0.0.1:1", "[::1]:8080"):
        with usher.http.stream("GET", usher.url(app, path), headers={"host": host}) as answer:
            assert answer.status_code != 421


def test_no_secret_is_anywhere_but_in_its_private_file(usher: Driver) -> None:
    usher.request("fail_workflow", instance_id=(instance := fresh("fail")))
    usher.notice(instance)
    folder = usher.settings.data_dir
    secrets = list(usher.stack.secrets.variables().values())
    assert len({secret for secret in secrets if len(secret) == 48}) == 3

    kept = {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    holding = {f.name for f, text in kept.items() if any(s.encode() in text for s in secrets)}
    assert holding == {"secrets.env", "redis.conf"}
    for name in holding:
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600

    supervisor = Supervisor(folder).process()
    assert supervisor
    lines = [process.cmdline() for process in (supervisor, *own_processes(usher))]
    seen = [str(line) for line in lines]
    for app, paths in PATHS.items():
        pages = [path for path in (*paths, "/openapi.json", "/sidecar") if path != "/stream"]
        seen += [usher.http.get(usher.url(app, path)).text for path in pages]
    seen += [usher.get("notifier", "/notices", limit=1000).__str__()]
    for app in ("starter", *OPEN_BY_TOKEN):
        metadata = f"{sidecar(usher, app)}/v1.0/metadata"
        answer = usher.http.get(metadata, headers=usher.stack.secrets.headers)
        seen.append(answer.raise_for_status().text)
        metrics = usher.settings.ports()[f"{app}_dapr_metrics_port"]
        seen.append(httpx.get(f"http://127.0.0.1:{metrics}/", trust_env=False).text)
    assert [secret for secret in secrets for text in seen if secret in text] == []
