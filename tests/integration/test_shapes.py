"""The promises in short on each broker and store beside Redis: once, in order, through an outage.

`make test-postgres` and `make test-kafka-postgres` run all of them there.
"""

import pytest

from tests.integration.test_promises import _settled, _start, _tick
from tests.support.command import run_usher
from tests.support.driver import Driver, eventually, fresh

pytestmark = [
    pytest.mark.parametrize("usher", ["on_postgres", "on_kafka_postgres"], indirect=True),
    pytest.mark.xdist_group("shapes"),
]


def test_p1_p3_copies_of_a_start_run_once_and_its_events_come_in_order(usher: Driver) -> None:
    event_id, instance = fresh("event"), fresh("count")
    for _ in range(5):
        _start(usher, event_id, instance, events=8, seconds=120)
    for number in range(8):
        _tick(usher, instance, number)
    assert usher.notice(instance, 60)["output"] == list(range(8))
    assert len(usher.notices(instance)) == 1
    about = {"source": "/tests", "id": event_id}
    told = eventually(
        lambda: usher.get("orchestrator", "/events", **about),
        lambda told: told["duplicates"] == 4,
    )
    assert told["disposition"] == "started"


def test_the_stream_of_the_page_has_what_ends(usher: Driver) -> None:
    instance = fresh("hello")
    with usher.http.stream("GET", usher.url("notifier", "/stream")) as told:
        usher.request("hello_workflow", instance_id=instance, input="Ada")
        assert next(line for line in told.iter_lines() if instance in line)
    assert usher.http.get(usher.url("notifier", f"/?instance={instance}")).text.count(instance)


def test_p2_p7_what_is_accepted_while_the_store_is_away_is_served(usher: Driver) -> None:
    ids = {fresh("event"): fresh("hello") for _ in range(8)}
    with usher.away(usher.settings.state):
        for event_id, instance in ids.items():
            command = {"workflow": "hello_workflow", "input": "Ada", "instance_id": instance}
            usher.cloudevent("workflow-requests", event_id, command)
    for instance in ids.values():
        assert usher.notice(instance, 90)["outcome"] == "COMPLETED"
        assert len(usher.notices(instance)) == 1


def test_p8_what_cannot_be_served_is_put_aside_and_comes_again(usher: Driver) -> None:
    event_id = fresh("event")
    usher.cloudevent("workflow-requests", event_id, {"workflow": "no_such_workflow"})
    letter = usher.dead_letter(event_id)
    assert letter["reason"] == "unknown_workflow"
    run_usher(usher, "redrive", "--id", letter["id"], "--yes", code=None)
    eventually(lambda: usher.dead_letter(event_id)["attempts"], lambda attempts: attempts == 2)


def test_nothing_is_unaccounted_and_nothing_is_unseen(usher: Driver) -> None:
    event_id = fresh("event")
    _start(usher, event_id, fresh("count"), events=0)
    _settled(usher, event_id)
    in_redis = "redis" in (usher.settings.broker, usher.settings.state)
    assert ("redis" in usher.stack.names()) is in_redis  # where nothing is in it, it does not run
    told = eventually(lambda: run_usher(usher, "audit"), lambda told: not told["open"])
    assert (told["unaccounted"], told["not_seen"]) == (0, {})
    assert told["events"] > 0
    told = run_usher(usher, "doctor")
    assert (told["refusals"], told["not_seen"]) == (0, [])


def test_a_fresh_start_forgets_what_an_earlier_life_took(usher: Driver) -> None:
    """Last: it restarts the stack."""
    instance = fresh("hello")
    usher.request("hello_workflow", instance_id=instance, input="Ada")
    assert usher.notice(instance, 60)["outcome"] == "COMPLETED"
    usher.stack.down(lambda _: None)
    usher.stack.up(lambda _: None, fresh=True)
    assert usher.notices(instance) == []
    usher.request("hello_workflow", instance_id=instance, input="Ada")
    assert usher.notice(instance, 60)["outcome"] == "COMPLETED"
