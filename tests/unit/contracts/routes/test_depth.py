"""The depth of an event: starts above the limit are refused, everything else goes on."""

from typing import Any

import pytest

from contracts.routes.depth import MAX_DEPTH, depth_of, depth_of_run
from contracts.routes.matching import Matched, Outcome, RouteRefused, RouteTable
from contracts.topics import Topic
from tests.support.routed import event, route

TOPIC = Topic.COMPLETIONS


def outcome(topic: str, depth: Any, **fields: Any) -> Outcome:
    attributes = {} if depth is None else {"usherdepth": depth}
    table = RouteTable([route(**{"from": topic, "key": "data.id", **fields})])
    (found,) = table.match(topic, event({"id": "7"}, **attributes))
    return found


@pytest.mark.parametrize("verb", ["start", "start_or_deliver"])
@pytest.mark.parametrize("depth", [MAX_DEPTH, str(MAX_DEPTH), 1000])
def test_a_start_that_is_too_deep_is_refused(verb: str, depth: Any) -> None:
    fields = {verb: "w", "event": "item" if verb != "start" else None}
    for topic in (Topic.COMPLETIONS, "orders"):
        found = outcome(topic, depth, **fields)
        assert isinstance(found, RouteRefused)
        assert found.refused.reason == "loop"


@pytest.mark.parametrize("depth", [None, 0, MAX_DEPTH - 1, "many", -1, True, "9" * 5000, "٣"])
def test_any_other_start_is_made(depth: Any) -> None:
    assert isinstance(outcome(Topic.COMPLETIONS, depth), Matched)


def test_what_starts_nothing_goes_round_in_no_circle() -> None:
    assert isinstance(outcome(Topic.COMPLETIONS, 99, deliver="w", event="done"), Matched)
    assert isinstance(outcome(Topic.COMPLETIONS, 99, cancel="w"), Matched)


@pytest.mark.parametrize(
    ("topic", "depth", "then"),
    [
        ("orders", None, 0),
        ("orders", 3, 4),
        (Topic.COMPLETIONS, None, 1),
        (Topic.COMPLETIONS, 3, 4),
    ],
)
def test_a_run_is_one_deeper_than_the_completion_that_started_it(
    topic: str, depth: int | None, then: int
) -> None:
    one = event({}) if depth is None else event({}, usherdepth=depth)
    assert (depth_of(one), depth_of_run(topic, one)) == (depth or 0, then)
