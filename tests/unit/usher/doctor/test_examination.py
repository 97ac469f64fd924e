"""`usher doctor`: each check of files, streams and sidecars finds its fault, and ours have none."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis import AuthenticationError, RedisError
from redis import ConnectionError as NoRedis
from typer.testing import CliRunner, Result

from contracts.finding import Finding
from contracts.topics import READ_BY, Topic
from tests.repo.files import ROOT
from tests.unit.orchestrator.api.test_doctor import WELL, Metadata
from usher.commands.app import app
from usher.doctor.broker import brokers
from usher.doctor.dapr_runtime import alike, notifier
from usher.doctor.delivery import outages, resiliency
from usher.doctor.redis_config import redis_config
from usher.doctor.resources import Resource, read
from usher.doctor.retention import retention, stores
from usher.doctor.routes import alike as alike_routes
from usher.doctor.scopes import scopes
from usher.doctor.streams import DAY_MS, Stream, streams
from usher.session import Wiring

OURS = ROOT / "components"


def in_files(*folders: Path) -> list[Finding]:
    resources, broken = read(*folders)
    return [
        *broken,
        *brokers(resources, 8),
        *resiliency(resources),
        *outages(resources),
        *stores(resources),
        *retention(resources, 30),
        *scopes(resources, ["orders"]),
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return shutil.copytree(OURS, tmp_path / "components")


@pytest.mark.parametrize("others", [(), ("postgres",), ("kafka",), ("kafka", "postgres")])
def test_our_own_files_have_no_fault(others: tuple[str, ...]) -> None:
    assert in_files(OURS, *(ROOT / "component-sets" / one for one in others)) == []


KEPT = "configuration-orchestrator.yaml"
TIMEOUT, DUE = 'value: "10s"', 'value: "3000"'
UNKNOWN = "initialInterval: 1s\n        policy: exp"
MATCHING = "matching: {gRPCStatusCodes: '1'}"
MORE = "  - orchestrator\n  - starter\n"
STORE = "      statestore:\n"
TARGET = "      pubsub-routes:\n        %s\n"
RETRY = "inbound: {retry: other}"
TEXT = "--- text\n---\napiVersion"


@pytest.mark.parametrize(
    ("file", "this", "that", "level", "where"),
    [
        ("pubsub.yaml", DUE, 'value: "3s"', "refusal", "redeliverInterval"),
        ("pubsub.yaml", DUE, 'value: "0"', "refusal", "redeliverInterval"),
        ("pubsub.yaml", TIMEOUT, 'value: "0"', "refusal", "processingTimeout"),
        ("pubsub.yaml", TIMEOUT, 'value: "soon"', "refusal", "processingTimeout"),
        ("pubsub.yaml", TIMEOUT, 'value: "8s"', "warning", "processingTimeout"),
        ("pubsub.yaml", TIMEOUT, 'value: "5m"', "warning", "processingTimeout"),
        ("pubsub.yaml", "name: concurrency", "name: maxLenApprox", "refusal", "maxLenApprox"),
        ("pubsub.yaml", "name: concurrency", "name: maxlenapprox", "refusal", "maxLenApprox"),
        ("pubsub.yaml", "name: concurrency", "name: streamTTL", "refusal", "streamTTL"),
        ("pubsub.yaml", "name: pubsub\n", "name: broker\n", "refusal", "the component files"),
        ("pubsub-ordered.yaml", 'value: "1"', 'value: "8"', "warning", "concurrency"),
        ("resiliency.yaml", "-1", "3", "refusal", "maxRetries"),
        ("resiliency.yaml", "-1", "1000", "refusal", "maxRetries"),
        ("resiliency.yaml", "policy: exp", UNKNOWN, "warning", "Inbound"),
        ("resiliency.yaml", "maxRetries: -1", MATCHING, "refusal", "matching"),
        ("resiliency.yaml", "DefaultPubsub", "DefaultBinding", "refusal", "spec.targets"),
        ("resiliency.yaml", STORE, TARGET % "inbound: {}" + STORE, "refusal", "spec.targets"),
        ("resiliency.yaml", STORE, TARGET % "outbound: {retry: r}" + STORE, "refusal", "spec.targ"),
        ("resiliency.yaml", STORE, TARGET % RETRY + STORE, "refusal", "policies.retries.other"),
        ("resiliency.yaml", "  - notifier\n", "", "refusal", "spec.targets"),
        ("resiliency.yaml", "      statestore:\n", "      ledger:\n", "warning", "ts.statestore"),
        ("resiliency.yaml", "      statestore:\n", "      ledger:\n", "warning", "ts.ledger"),
        ("statestore.yaml", 'value: "true"', 'value: "false"', "refusal", "actorStateStore"),
        ("statestore.yaml", "name: actorState", "name: ttlInSeconds #", "refusal", "ttlInSeconds"),
        ("statestore.yaml", "  - orchestrator\n", MORE, "warning", "scopes"),
        ("ledger.yaml", "  - orchestrator\n", MORE, "warning", "scopes"),
        ("pubsub.yaml", "=workflow-completions,", "=", "refusal", "publishingScopes"),
        ("pubsub.yaml", "=workflow-requests,", "=", "refusal", "subscriptionScopes"),
        ("pubsub.yaml", "  - starter\n", "", "refusal", "pubsub.yaml: scopes"),
        ("pubsub-ordered.yaml", "=workflow-events", "=other", "refusal", "subscriptionScopes"),
        ("pubsub-routes.yaml", "publishingS", "subscriptionS", "refusal", "subscriptionScopes"),
        ("pubsub-routes.yaml", "=workflow-dead-letters", "=", "refusal", "publishingScopes"),
        (KEPT, "168h", "720h", "refusal", "anyTerminal"),
        (KEPT, "168h", "a week", "refusal", "anyTerminal"),
        (KEPT, "168h", "1m", "warning", "anyTerminal"),
        (KEPT, "stateRetentionPolicy", "other", "warning", KEPT),
        ("pubsub.yaml", "spec:", "spec: [", "refusal", "components/pubsub.yaml"),
        ("pubsub.yaml", "apiVersion", TEXT, "refusal", "components/pubsub.yaml"),
    ],
)  # fmt: skip
def test_a_fault_in_a_file_is_found(
    folder: Path, file: str, this: str, that: str, level: str, where: str
) -> None:
    text = (folder / file).read_text()
    assert this in text
    (folder / file).write_text(text.replace(this, that))
    found = in_files(folder)
    mine = [finding for finding in found if where in finding.where]
    assert level in {finding.level for finding in mine}, found
    assert all(finding.wrong and finding.right and finding.breaks for finding in found)


@pytest.mark.parametrize(
    "file",
    ["resiliency.yaml", "pubsub.yaml", "pubsub-ordered.yaml", "statestore.yaml", "ledger.yaml"],
)
def test_a_missing_file_is_a_refusal(folder: Path, file: str) -> None:
    (folder / file).unlink()
    assert "refusal" in {finding.level for finding in in_files(folder)}


def test_a_finite_retry_says_on_which_side_of_the_processing_timeout_it_gives_up() -> None:
    def gives_up(retries: int) -> str:
        retry = {"policy": "constant", "duration": "1s", "maxRetries": retries}
        target = {"inbound": {"retry": "r"}}
        spec = {
            "policies": {"retries": {"r": retry}},
            "targets": {"components": {"pubsub": target, "pubsub-ordered": target}},
        }
        resources, _ = read(OURS)
        others = [one for one in resources if one.kind != "Resiliency"]
        mine = Resource("r.yaml", {"kind": "Resiliency", "spec": spec})
        return next(resiliency([*others, mine])).wrong

    assert "within the processingTimeout" in gives_up(3)
    assert "beyond the processingTimeout" in gives_up(30)


def test_a_component_of_a_route_has_the_default_retry_unless_a_target_names_it(
    folder: Path,
) -> None:
    assert list(resiliency(read(folder)[0], {"kafka"})) == []
    file = folder / "resiliency.yaml"
    of_kafka = (TARGET % "outbound: {retry: outage}").replace("pubsub-routes", "kafka")
    file.write_text(file.read_text().replace(STORE, of_kafka + STORE))
    (finding,) = resiliency(read(folder)[0], {"kafka"})
    assert (finding.level, "no inbound retry of kafka" in finding.wrong) == ("refusal", True)


def test_orchestrators_with_different_routes_are_named() -> None:
    assert list(alike_routes({"http://a": "d1", "http://b": "d1"})) == []
    (finding,) = alike_routes({"http://a": "d1", "http://b": "d2"})
    assert (finding.level, "http://b d2" in finding.wrong) == ("warning", True)


def broker(name: str, scopes: list[str] | None = None, **options: str) -> Resource:
    metadata = [{"name": key, "value": value} for key, value in options.items()]
    document = {"kind": "Component", "metadata": {"name": name}, "scopes": scopes}
    return Resource(
        f"{name}.yaml", {**document, "spec": {"type": "pubsub.x", "metadata": metadata}}
    )


@pytest.mark.parametrize(
    ("options", "fits"),
    [
        ({}, True),
        ({"protectedTopics": "other", "publishingScopes": "notifier=other"}, True),
        ({"allowedTopics": "other, orders"}, True),
        ({"allowedTopics": "other"}, False),
        ({"protectedTopics": "orders"}, False),
        ({"protectedTopics": "orders", "publishingScopes": "starter=orders"}, True),
        ({"publishingScopes": "starter=workflow-requests;notifier=orders"}, False),
        ({"publishingScopes": "starter="}, False),
        ({"scopes": ["starter"]}, True),
        ({"scopes": ["orchestrator"]}, False),
    ],
)
def test_a_topic_of_a_route_that_the_starter_may_not_publish_on_is_named(
    options: dict[str, Any], fits: bool
) -> None:
    found = [one for one in scopes([broker("pubsub", **options)], {"orders"}) if "ord" in one.wrong]
    assert [finding.level for finding in found] == ([] if fits else ["warning"])
    assert all("may not publish on orders" in finding.wrong for finding in found)


def test_a_component_that_the_starter_does_not_see_is_published_to_by_others() -> None:
    assert list(scopes([broker("kafka", ["orchestrator"])], {"kafka/orders"})) == []
    scoped = broker("kafka", ["starter", "orchestrator"], publishingScopes="starter=other")
    (finding,) = scopes([scoped], {"kafka/orders"})
    assert (finding.level, "kafka.yaml" in finding.where) == ("warning", True)


@pytest.mark.parametrize(
    ("options", "right"),
    [
        ({"scopes": ["starter"]}, "add orchestrator"),
        ({"subscriptionScopes": "orchestrator=other"}, "let subscriptionScopes name orders"),
        ({"protectedTopics": "orders", "publishingScopes": "starter=orders"}, "subscriptionScopes"),
    ],
)
def test_a_topic_of_a_route_that_the_orchestrator_may_not_hear_is_a_refusal(
    options: dict[str, Any], right: str
) -> None:
    found = scopes([broker("kafka", **options)], {"kafka/orders"})
    (finding,) = [one for one in found if one.level == "refusal"]
    assert "orchestrator may not subscribe to orders" in finding.wrong
    assert right in finding.right


@pytest.mark.parametrize(
    ("config", "levels"),
    [
        ({"appendonly": "yes", "appendfsync": "everysec"}, []),
        ({"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "allkeys-lru"}, []),
        ({"appendonly": "no"}, ["refusal"]),
        ({}, ["refusal"]),
        ({"appendonly": "yes", "appendfsync": "no"}, ["warning"]),
        (
            {"appendonly": "yes", "maxmemory": "9", "maxmemory-policy": "allkeys-lru"},
            ["refusal"],
        ),
    ],
)
def test_redis_keeps_what_it_acknowledged(config: dict[str, str], levels: list[str]) -> None:
    assert [finding.level for finding in redis_config(config)] == levels


@pytest.mark.parametrize(
    ("stream", "level", "said"),
    [
        (Stream(5, 39 * DAY_MS, {"orchestrator": 40 * DAY_MS}), None, ""),
        (Stream(0, 0, {"orchestrator": 0}), None, ""),
        (Stream(5, 39 * DAY_MS, {"other": 40 * DAY_MS}), "refusal", "nobody reads it"),
        (Stream(5, 5 * DAY_MS, {"orchestrator": 5 * DAY_MS}), "refusal", "the ledger knows 30"),
        (Stream(5, 20 * DAY_MS, {"orchestrator": 40 * DAY_MS}), "warning", "not trimmed"),
        (
            Stream(5, 20 * DAY_MS, {"orchestrator": 40 * DAY_MS, "dead": 0}),
            "warning",
            "dead has not acknowledged",
        ),
    ],
)
def test_a_stream_is_read_trimmed_and_younger_than_the_ledger(
    stream: Stream, level: str | None, said: str
) -> None:
    found = list(streams({Topic.REQUESTS: stream}, 40 * DAY_MS, 7, 30))
    assert [finding.level for finding in found] == ([level] if level else [])
    assert all(said in finding.wrong for finding in found)


HEARD = {
    **WELL,
    "subscriptions": [
        {"topic": "workflow-completions"},
        {"topic": "workflow-dead-letters", "metadata": {"rawPayload": "true"}},
    ],
}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, None),
        ({"appConnectionProperties": {}}, "health check is off"),
        ({"resiliencies": []}, "no resiliency policy"),
        ({"subscriptions": HEARD["subscriptions"][1:]}, "workflow-completions"),
        ({"subscriptions": HEARD["subscriptions"][:1]}, "workflow-dead-letters"),
        (
            {"subscriptions": [*HEARD["subscriptions"][:1], {"topic": "workflow-dead-letters"}]},
            "not heard raw",
        ),
    ],
)
def test_the_notifiers_sidecar_is_looked_at(change: dict[str, Any], said: str | None) -> None:
    found = list(notifier({**HEARD, **change}))
    assert [said in finding.wrong for finding in found if said] == ([True] if said else [])


def test_sidecars_of_two_versions_are_named() -> None:
    assert list(alike({"orchestrator": "1.18.2", "notifier": "1.18.2"})) == []
    (finding,) = alike({"orchestrator": "1.18.2", "notifier": "1.17.0"})
    assert "notifier 1.17.0" in finding.wrong


class Broker:
    """A Redis whose streams are empty and read by those who must; or one without, or away."""

    def __init__(
        self,
        appendonly: str = "yes",
        fault: RedisError | None = None,
        has: bool = True,
        groups: dict[str, list[str]] | None = None,
    ) -> None:
        """`groups` has the consumer groups of each stream of others."""
        self._appendonly = appendonly
        self._groups = groups or {}
        self._fault = fault
        self._has = has

    def __enter__(self) -> "Broker":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def config_get(self, name: str) -> dict[str, str]:
        if self._fault:
            raise self._fault
        return {"appendonly": self._appendonly} if name == "appendonly" else {}

    def time(self) -> tuple[int, int]:
        return 0, 0

    def exists(self, _: str) -> int:
        return int(self._has)

    def xinfo_stream(self, _: str) -> dict[str, Any]:
        return {"length": 0, "first-entry": None}

    def xinfo_groups(self, name: str) -> list[dict[str, Any]]:
        groups = [READ_BY[Topic(name)]] if name in [*Topic] else self._groups[name]
        return [{"name": group, "last-delivered-id": "0-0"} for group in groups]

    def xpending(self, _topic: str, _group: str) -> dict[str, Any]:
        return {"min": None}

    def scan_iter(self, **_: object) -> list[bytes]:
        return [name.encode() for name in self._groups]


SECONDS = {"level": "warning", "where": "there", "wrong": "w", "right": "r", "breaks": "P6"}
"""What the second replica finds more."""
NO_ROUTES = {"items": [], "unrouted_total": 0, "unrouted": []}


@pytest.fixture
def run() -> Callable[..., Result]:
    items: list[dict[str, str]] = []
    sidecar: Metadata = {}
    open_etcd: list[bool] = []
    times = {"ledger_days": 30, "stream_days": 7, "call_timeout_seconds": 8}

    def answer(request: httpx.Request) -> httpx.Response:
        match request.url.path, request.url.port:
            case "/doctor", 8091:
                return httpx.Response(200, json={"items": [*items, SECONDS], "settings": times})
            case "/doctor", _:
                return httpx.Response(200, json={"items": items, "settings": times})
            case "/routes", _:
                return httpx.Response(200, json=NO_ROUTES)
            case "/sidecar", 8082:
                return httpx.Response(200, json=HEARD)
            case "/v3/maintenance/status", 12379:
                return httpx.Response(200 if open_etcd else 404)
            case _:
                return httpx.Response(200, json=sidecar)

    def call(
        broker: Broker,
        *found: dict[str, str],
        words: tuple[str, ...] = (),
        etcd: bool = False,
        kind: str = "pubsub.redis",
    ) -> Result:
        items[:] = found
        sidecar.update(WELL, components=[{"name": "pubsub", "type": kind}])
        open_etcd[:] = [True] if etcd else []
        http = httpx.MockTransport(answer)
        wiring = Wiring(http=lambda _: httpx.Client(transport=http), redis=lambda _: broker)  # type: ignore[arg-type, return-value]
        return CliRunner().invoke(app, ["doctor", *words], obj=wiring)

    return call


FOUND = {"level": "refusal", "where": "here", "wrong": "w", "right": "r", "breaks": "P2"}


def test_the_command_says_what_it_found_and_exits_by_it(run: Callable[..., Result]) -> None:
    well = run(Broker(), words=("--json",))
    told = {"refusals": 0, "warnings": 0, "items": [], "not_seen": []}
    assert (well.exit_code, json.loads(well.stdout)) == (0, told)
    assert run(Broker(), {**FOUND, "level": "warning"}).exit_code == 0
    refused = run(Broker(), FOUND)
    assert refused.exit_code == 1
    assert "refusal: here: w\n" in refused.stdout
    assert run(Broker(appendonly="no")).exit_code == 1


def test_each_replica_is_asked_and_what_several_find_is_told_once(
    run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("USHER_REPLICAS", "2")
    assert json.loads(run(Broker(), FOUND, words=("--json",)).stdout)["items"] == [FOUND, SECONDS]


def test_a_stream_that_nobody_reads_is_named(run: Callable[..., Result]) -> None:
    read = {"orders": ["orchestrator"], "usher:changes": [], "workflow-events": []}
    told = json.loads(run(Broker(groups={**read, "ordres": []}), words=("--json",)).stdout)
    assert [(one["level"], one["where"]) for one in told["items"]] == [
        ("warning", "the stream ordres")
    ]


def test_what_cannot_be_seen_is_said(run: Callable[..., Result]) -> None:
    blind = run(Broker(fault=NoRedis("refused")))
    assert blind.exit_code == 3
    assert "not seen: Redis at redis://" in blind.stdout


def test_a_stream_that_redis_does_not_have_is_not_taken_for_an_empty_one(
    run: Callable[..., Result],
) -> None:
    blind = run(Broker(has=False))
    assert blind.exit_code == 3
    assert "not seen: the stream workflow-requests: Redis has none of this name" in blind.stdout


def test_the_streams_of_another_broker_are_not_looked_for_in_redis(
    run: Callable[..., Result],
) -> None:
    blind = run(Broker(), kind="pubsub.kafka")
    assert blind.exit_code == 3
    assert "not seen: Kafka's topics were not read: USHER_KAFKA_BROKERS" in blind.stdout
    assert "the stream workflow-" not in blind.stdout
    blind = run(Broker(), kind="pubsub.mqtt3")
    assert "not seen: the stream workflow-requests: it is on pubsub.mqtt3" in blind.stdout
    assert "the stream workflow-events:" not in blind.stdout


def test_a_scheduler_that_takes_commands_from_pages_is_named(run: Callable[..., Result]) -> None:
    told = run(Broker(), etcd=True)
    assert told.exit_code == 0
    assert "warning: the scheduler: its etcd takes commands over plain HTTP" in told.stdout


def test_a_wrong_password_is_called_one(
    run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("USHER_REDIS_PASSWORD", "guessed")
    refused = run(Broker(fault=AuthenticationError("WRONGPASS")))
    assert refused.exit_code == 3
    assert "refuses the password it got" in refused.stdout
    assert "guessed" not in refused.output


def test_where_no_password_is_found_it_is_said_where_one_would_be(
    run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("USHER_DATA_DIR", str(tmp_path))
    refused = run(Broker(fault=AuthenticationError("NOAUTH")))
    assert refused.exit_code == 3
    assert "wants a password, and none was found" in refused.stdout
