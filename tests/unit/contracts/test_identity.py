"""Instance ids: given, by key, or derived from who sent the event; and ids of our own events."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contracts import identity
from contracts.commands import ControlInstance, RaiseEvent, StartWorkflow
from contracts.events import Reason
from contracts.keys import instance_id_for
from contracts.message import INSTANCE_ID_PATTERN
from contracts.refusal import Refused

NAMES = st.text(min_size=1, max_size=128)
EVENTS = st.tuples(NAMES, NAMES)
"""Source and id."""


def start(**fields: str) -> StartWorkflow:
    return StartWorkflow(workflow="hello_workflow", **fields)


def test_a_given_instance_id_is_taken_as_it_is() -> None:
    assert identity.instance_to_start(start(instance_id="order_7-b"), "/s", "e") == "order_7-b"


def test_a_key_is_put_behind_the_name_of_the_workflow() -> None:
    assert identity.instance_to_start(start(key="7"), "/s", "e") == "hello_workflow-7"


def test_an_instance_named_twice_must_be_one() -> None:
    both = start(instance_id="hello_workflow-7", key="7")
    assert identity.instance_to_start(both, "/s", "e") == "hello_workflow-7"


@given(st.from_regex(r"[A-Za-z0-9_-]{1,100}", fullmatch=True))
def test_an_event_reaches_by_key_the_instance_that_was_started_by_key(key: str) -> None:
    event = RaiseEvent(workflow="hello_workflow", key=key, event="approval")
    control = ControlInstance(workflow="hello_workflow", key=key, control="suspend")
    started = identity.instance_to_start(start(key=key), "/s", "e")
    assert identity.instance_addressed(event) == started
    assert identity.instance_addressed(control) == started


def test_an_event_reaches_the_instance_it_names() -> None:
    assert identity.instance_addressed(RaiseEvent(instance_id="i-1", event="approval")) == "i-1"


@pytest.mark.parametrize("key", ["a/b", "a b", "ä", "a\n", "k" * 128])
def test_a_request_with_a_key_that_makes_no_instance_id_is_refused_and_named(key: str) -> None:
    with pytest.raises(Refused) as starting:
        identity.instance_to_start(start(key=key), "/s", "e")
    refused = starting.value
    assert (refused.reason, refused.field) == (Reason.INVALID_INSTANCE_ID, "key")


@given(st.text(min_size=1, max_size=1024))
@example("a/b")
@example("ce-" + "0" * 24)
def test_an_event_reaches_by_key_the_instance_that_a_route_started_by_it(key: str) -> None:
    event = RaiseEvent(workflow="hello_workflow", key=key, event="approval")
    assert identity.instance_addressed(event) == instance_id_for("hello_workflow", key)


@given(workflow=NAMES, event=EVENTS)
def test_a_derived_id_is_an_instance_id_and_the_same_every_time(
    workflow: str, event: tuple[str, str]
) -> None:
    command = StartWorkflow(workflow=workflow)
    derived = identity.instance_to_start(command, *event)
    assert re.fullmatch(INSTANCE_ID_PATTERN, derived)
    assert identity.instance_to_start(command, *event) == derived


def test_a_derived_id_begins_with_the_name_of_the_workflow() -> None:
    assert identity.instance_to_start(start(), "/s", "e").startswith("hello_workflow-")


@given(EVENTS, EVENTS)
@example(("/s", "1"), ("/s", "2"))
@example(("/s", "1"), ("/t", "1"))
@example(("a\nb", "c"), ("a", "b\nc"))
def test_another_source_or_id_derives_another_instance(
    one: tuple[str, str], other: tuple[str, str]
) -> None:
    ids = {identity.instance_to_start(start(), *event) for event in (one, other)}
    assert len(ids) == len({one, other})


@given(st.lists(NAMES, min_size=1, max_size=4), st.lists(NAMES, min_size=1, max_size=4))
@example(["a\nb", "c"], ["a", "b\nc"])
def test_our_own_event_ids_are_equal_for_equal_parts_alone(
    one: list[str], other: list[str]
) -> None:
    same = identity.event_id(*one) == identity.event_id(*other)
    assert same == (one == other)
