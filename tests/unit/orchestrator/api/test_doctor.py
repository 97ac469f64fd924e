"""What the orchestrator sees that would break a promise: each check finds its own fault."""

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from orchestrator.api.doctor import Seen, Unfit, admit, examine, unheard, versions
from orchestrator.settings import Settings

Metadata = dict[str, Any]
WELL: Metadata = {
    "runtimeVersion": "1.18.2",
    "components": [
        {"name": "pubsub", "type": "pubsub.redis"},
        {"name": "pubsub-ordered", "type": "pubsub.redis"},
        {
            "name": "statestore",
            "type": "state.redis",
            "capabilities": ["ETAG", "TRANSACTIONAL", "TTL", "ACTOR"],
        },
        {"name": "ledger", "type": "state.redis", "capabilities": ["ETAG", "TTL"]},
    ],
    "resiliencies": [{"name": "resiliency"}],
    "appConnectionProperties": {"health": {"healthProbeTimeout": "1.5s"}},
    "subscriptions": [
        {
            "pubsubname": "pubsub",
            "topic": "workflow-requests",
            "deadLetterTopic": "workflow-dead-letters",
        },
        {
            "pubsubname": "pubsub-ordered",
            "topic": "workflow-events",
            "deadLetterTopic": "workflow-dead-letters",
        },
    ],
}


def seen(metadata: Metadata = WELL, started: bool = True, **settings: Any) -> Seen:
    return Seen(metadata, Settings(**settings), started)


def changed(change: Callable[[Metadata], Any]) -> Metadata:
    metadata = copy.deepcopy(WELL)
    change(metadata)
    return metadata


def test_nothing_is_found_where_all_is_well() -> None:
    assert examine(seen()) == []
    assert admit(seen(changed(lambda m: m.pop("subscriptions")), started=False)) == []


def test_what_only_the_first_replica_hears_is_not_missed_at_another() -> None:
    metadata = changed(lambda m: m["subscriptions"].pop(1))
    routed = [("pubsub-routes-ordered", "carts")]
    another = replace(
        seen(metadata), routed=routed, left=frozenset({"pubsub-ordered", routed[0][0]})
    )
    assert examine(another) == []
    assert len(examine(replace(another, left=frozenset()))) == 2


REFUSED: list[tuple[Callable[[Metadata], Any], str]] = [
    (lambda m: m["components"].pop(0), "no component 'pubsub'"),
    (lambda m: m["components"].pop(1), "no component 'pubsub-ordered'"),
    (lambda m: m["components"].pop(2), "no component 'statestore'"),
    (lambda m: m["components"].pop(3), "no component 'ledger'"),
    (lambda m: m["components"][3]["capabilities"].remove("ETAG"), "lacks ETAG"),
    (lambda m: m["components"][2]["capabilities"].remove("ACTOR"), "lacks ACTOR"),
    (lambda m: m.pop("resiliencies"), "no resiliency policy"),
    (lambda m: m["appConnectionProperties"].pop("health"), "health check is off"),
    (lambda m: m.pop("appConnectionProperties"), "health check is off"),
    (lambda m: m["subscriptions"].pop(0), "subscribed to workflow-requests"),
    (lambda m: m.pop("subscriptions"), "subscribed to workflow-events"),
    (lambda m: m["subscriptions"][0].pop("deadLetterTopic"), "no dead-letter topic"),
    (lambda m: m["subscriptions"][1].update(pubsubname="pubsub"), "through 'pubsub'"),
]
WARNED: list[tuple[Callable[[Metadata], Any], str]] = [
    (lambda m: m["components"][3]["capabilities"].remove("TTL"), "lacks TTL"),
    (
        lambda m: m["appConnectionProperties"]["health"].update(healthProbeTimeout="500ms"),
        "times out after 500ms",
    ),
    (lambda m: m.update(runtimeVersion="1.19.0"), "Dapr 1.19.0"),
    (lambda m: m.pop("runtimeVersion"), "of unknown version"),
]


@pytest.mark.parametrize(("change", "said"), REFUSED)
def test_what_loses_or_doubles_events_is_refused(
    change: Callable[[Metadata], Any], said: str
) -> None:
    found = examine(seen(changed(change)))
    assert any(said in finding.wrong for finding in found)
    assert {finding.level for finding in found} == {"refusal"}
    assert all(finding.where and finding.right and finding.breaks for finding in found)
    with pytest.raises(Unfit, match=said):
        admit(seen(changed(change)))


@pytest.mark.parametrize(("change", "said"), WARNED)
def test_what_may_break_a_promise_is_a_warning_and_starts(
    change: Callable[[Metadata], Any], said: str
) -> None:
    (finding,) = admit(seen(changed(change)))
    assert finding.level == "warning"
    assert said in finding.wrong


@pytest.mark.parametrize(
    ("settings", "where"),
    [
        ({"ledger_days": 7, "stream_days": 7}, "ORCHESTRATOR_LEDGER_DAYS"),
        ({"call_timeout_seconds": 12}, "ORCHESTRATOR_CALL_TIMEOUT_SECONDS"),
    ],
)
def test_times_that_do_not_fit_are_refused(settings: dict[str, Any], where: str) -> None:
    with pytest.raises(Unfit, match=where):
        admit(seen(**settings))


def test_an_sdk_that_was_not_tested_is_named() -> None:
    (finding,) = versions("1.18.2", "1.18.0")
    assert "1.18.0" in finding.wrong
    assert list(versions("1.18.9", "1.19.3")) == []


def test_who_waits_for_code_that_is_gone_is_named() -> None:
    without = {"i-1": "pay", "i-2": "pay"}
    found = examine(replace(seen(), unknown={"i-3": "order"}, without_activity=without))
    assert [one.where for one in found] == ["the workflow 'order'", "the activity 'pay'"]
    assert "i-1 and 1 more" in found[1].wrong


def test_a_topic_of_a_route_that_nobody_hears_is_named() -> None:
    subscribed = [{"pubsubname": name, "topic": "orders"} for name in ("pubsub-routes", "none")]
    loaded = [{"name": "pubsub-routes"}]
    heard = {"subscriptions": subscribed, "components": loaded}
    routed = [("pubsub-routes", "orders"), ("none", "orders"), ("pubsub-routes", "crm")]
    found = [str(one) for one in unheard(heard, routed)]
    assert len(found) == 2
    assert "orders of none" in found[0]
    assert "crm of pubsub-routes" in found[1]
