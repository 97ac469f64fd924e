"""The Dapr components, held against the names in code and against what loses no event."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from contracts.topics import LEDGER_STORE, PUBSUB, PUBSUB_ORDERED, STATE_STORE, Topic
from tests.repo.files import ROOT, SERVICES
from tests.support.guarded_redis import PERMITTED

FOLDER = ROOT / "components"
SETS = ROOT / "component-sets"
"""Files in place of those, for other brokers and stores."""
KINDS = {"Component", "Resiliency", "Configuration", "Subscription"}
KUSTOMIZATION = FOLDER / "kustomization.yaml"

Document = dict[str, Any]


def document(file: Path) -> Document:
    """Return the one document of a file; daprd only warns of a broken one."""
    (only,) = yaml.safe_load_all(file.read_text())
    found: Document = only
    return found


def component(name: str) -> Document:
    documents = [document(file) for file in FOLDER.glob("*.yaml")]
    (found,) = [d for d in documents if d["kind"] == "Component" and d["metadata"]["name"] == name]
    return found


def options(name: str) -> dict[str, str]:
    return {one["name"]: one.get("value", "") for one in component(name)["spec"]["metadata"]}


def scopes(name: str, option: str) -> dict[str, set[str]]:
    """Read `starter=a,b;notifier=` as the topics of each app."""
    parts = (part.split("=") for part in options(name)[option].split(";"))
    return {app: set(filter(None, topics.split(","))) for app, topics in parts}


def test_the_folder_is_flat_since_daprd_reads_no_other() -> None:
    assert {file.suffix for file in FOLDER.iterdir()} == {".yaml"}


def test_every_file_is_a_resource_that_says_who_may_see_it() -> None:
    for file in set(FOLDER.glob("*.yaml")) - {KUSTOMIZATION}:
        found = document(file)
        assert found["apiVersion"] == "dapr.io/v1alpha1", file.name
        assert found["kind"] in KINDS, file.name
        assert found["metadata"]["name"], file.name
        if found["kind"] == "Configuration":  # which a sidecar is pointed to by its file
            assert file.stem.removeprefix("configuration-") in SERVICES, file.name
        else:
            assert set(found["scopes"]) <= set(SERVICES), file.name
            assert found["scopes"], file.name


def test_every_resource_is_one_on_kubernetes_too() -> None:
    named = document(KUSTOMIZATION)["resources"]
    assert sorted([*named, KUSTOMIZATION.name]) == sorted(f.name for f in FOLDER.iterdir())


def test_every_setting_of_a_component_is_text_as_daprd_wants_it() -> None:
    for name in (PUBSUB, STATE_STORE, LEDGER_STORE):
        for one in component(name)["spec"]["metadata"]:
            assert isinstance(one.get("value", one.get("envRef")), str), one


def test_the_components_have_the_names_that_are_in_code() -> None:
    assert component(PUBSUB)["spec"]["type"].startswith("pubsub.")
    for name in (STATE_STORE, LEDGER_STORE):
        assert component(name)["spec"]["type"].startswith("state.")
        assert component(name)["scopes"] == ["orchestrator"]
    assert options(STATE_STORE)["actorStateStore"] == "true"
    assert "actorStateStore" not in options(LEDGER_STORE)
    assert set(component(PUBSUB)["scopes"]) == set(SERVICES)


def test_apps_publish_and_hear_the_topics_of_their_part_in_the_flow() -> None:
    """The dead-letter topic is published under the scope of the app that could not be reached."""
    assert scopes(PUBSUB, "publishingScopes") == {
        "orchestrator": {Topic.COMPLETIONS, Topic.DEAD_LETTERS},
        "notifier": {Topic.DEAD_LETTERS},
    }
    protected = set(options(PUBSUB)["protectedTopics"].split(","))
    assert protected == {Topic.COMPLETIONS, Topic.DEAD_LETTERS}  # the starter has all others
    assert scopes(PUBSUB, "subscriptionScopes") == {
        "starter": set(),
        "orchestrator": {Topic.REQUESTS, Topic.EVENTS},
        "notifier": {Topic.COMPLETIONS, Topic.DEAD_LETTERS},
    }


def test_the_sidecar_that_people_publish_through_does_nothing_else() -> None:
    """A protocol without a rule would be open as a whole."""
    rules = document(FOLDER / "configuration-starter.yaml")["spec"]["api"]["allowed"]
    allowed = {(rule["protocol"], rule["name"]) for rule in rules}
    names = ("publish", "metadata")
    assert allowed == {(protocol, name) for protocol in ("http", "grpc") for name in names}


def test_unacknowledged_messages_come_back() -> None:
    """Bare milliseconds: `3s` is silently ignored. And 0 of either turns the reclaiming off."""
    redeliver = options(PUBSUB)["redeliverInterval"]
    assert redeliver.isdecimal()
    assert int(redeliver) > 0
    timeout = options(PUBSUB)["processingTimeout"]
    assert timeout.removesuffix("s").isdecimal()
    assert 0 < int(timeout.removesuffix("s")) <= 60


def test_retry_means_retry_until_it_is_served() -> None:
    (found,) = [d for f in FOLDER.glob("*.yaml") if (d := document(f))["kind"] == "Resiliency"]
    policy = found["spec"]["policies"]["retries"]["DefaultPubsubComponentInboundRetryPolicy"]
    assert policy["maxRetries"] == -1
    targets = found["spec"]["targets"]["components"]
    assert targets.keys() == {STATE_STORE}  # a target of a broker would take the default from it
    hearing = {app for app, topics in scopes(PUBSUB, "subscriptionScopes").items() if topics}
    assert set(found["scopes"]) == hearing


@pytest.mark.parametrize("name", [PUBSUB, PUBSUB_ORDERED])
def test_what_is_read_ahead_is_served_before_it_is_taken_for_lost(name: str) -> None:
    """A sidecar has in hand what it delivers at once, a full queue, and the next that it read."""
    found = options(name)
    ahead = int(found["concurrency"]) + 2 * int(found["queueDepth"])
    a_slow_machine = 13  # deliveries a second
    assert ahead <= a_slow_machine * int(found["processingTimeout"].removesuffix("s"))


@pytest.mark.parametrize(
    "file",
    sorted(set(SETS.glob("*/*.yaml")) - set(SETS.glob("*/kustomization.yaml"))),
    ids=lambda f: f"{f.parent.name}/{f.name}",
)
def test_a_file_of_a_set_is_the_component_of_its_name_on_another_broker_or_store(
    file: Path,
) -> None:
    ours, theirs = document(FOLDER / file.name), document(file)
    assert theirs["spec"]["type"] != ours["spec"]["type"]
    assert {**theirs, "spec": None} == {**ours, "spec": None}
    said = {one["name"]: one.get("value") for one in theirs["spec"]["metadata"]}
    assert all(isinstance(value, str | None) for value in said.values())
    for one in ours["spec"]["metadata"]:
        if one["name"] in ("publishingScopes", "subscriptionScopes", "actorStateStore"):
            assert said[one["name"]] == one["value"]


def test_nothing_is_written_down_that_belongs_to_one_machine() -> None:
    """Where Redis is comes from the environment: one folder for embedded, compose and tests."""
    for name in (PUBSUB, STATE_STORE, LEDGER_STORE):
        (redis,) = [o for o in component(name)["spec"]["metadata"] if o["name"] == "redisHost"]
        assert set(redis) == {"name", "envRef"}


def test_the_documents_have_the_commands_that_a_user_of_redis_needs() -> None:
    text = (ROOT / "docs" / "brokers-and-stores.md").read_text()
    rule = text.partition("-@all ")[2].partition("```")[0]
    assert rule.split() == [f"+{one}" for one in PERMITTED.split()]
