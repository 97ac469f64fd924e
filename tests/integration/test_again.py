"""A new run of a key for each event (`again`), on the real runtime."""

from pathlib import Path
from typing import Any

import pytest

from contracts import identity
from tests.support.command import run_usher
from tests.support.driver import Driver, eventually, fresh, letters

COMES_BACK = 90
"""A restart, a reclaim by the broker and a lease of 12 s, on a busy machine."""
ROUTES = {"moved": "shop_sync/start", "put": "shop_basket/start_or_deliver"}


def publish(usher: Driver, kind: str, key: str, event_id: str | None = None, **data: Any) -> str:
    """Publish a business event; return its id."""
    topic = "baskets" if kind in ("put", "bought") else "syncs"
    event_id = event_id or fresh(kind)
    attributes = {"type": f"com.acme.{kind}", "source": "/shop"}
    usher.cloudevent(topic, event_id, {"id": key, **data}, **attributes)
    return event_id


def run_of(key: str, kind: str, event_id: str) -> str:
    route = ROUTES[kind]
    workflow = route.partition("/")[0]
    event_key = identity.event_key("/shop", event_id, route)
    return identity.derived_id(f"{workflow}-{key}", event_key)


def all_served(usher: Driver) -> None:
    for topic in ("syncs", "baskets"):
        eventually(lambda: usher.pending(topic), lambda n: n == 0, COMES_BACK)  # noqa: B023


def test_each_event_is_a_run_and_the_latest_is_reached(usher: Driver) -> None:
    key = fresh("s")
    first = publish(usher, "moved", key, n=1)
    usher.running(run_of(key, "moved", first))
    second = publish(usher, "moved", key, n=2)
    usher.running(run_of(key, "moved", second))
    publish(usher, "moved", key, first, n=1)
    publish(usher, "confirmed", key, n=7)
    assert usher.notice(run_of(key, "moved", second))["output"] == [2, 7]
    assert usher.status(run_of(key, "moved", first)) == "RUNNING"
    answer = usher.http.get(usher.url("starter", f"/status/shop_sync-{key}"))
    assert run_of(key, "moved", second) in answer.json()["detail"]
    third = publish(usher, "moved", key, n=3)
    usher.running(run_of(key, "moved", third))
    command = {"workflow": "shop_sync", "key": key, "event": "confirmed", "data": {"n": 8}}
    usher.publish("workflow-events", command)
    assert usher.notice(run_of(key, "moved", third))["output"] == [3, 8]


def test_an_event_before_the_first_run_waits_for_it(usher: Driver) -> None:
    key = fresh("s")
    publish(usher, "confirmed", key, n=5)
    all_served(usher)
    first = publish(usher, "moved", key, n=1)
    assert usher.notice(run_of(key, "moved", first))["output"] == [1, 5]


def test_a_cancel_ends_the_latest_run(usher: Driver) -> None:
    key = fresh("s")
    first, second = publish(usher, "moved", key, n=1), publish(usher, "moved", key, n=2)
    runs = [run_of(key, "moved", one) for one in (first, second)]
    for one in runs:
        usher.running(one)
    all_served(usher)
    publish(usher, "dropped", key)
    notice = eventually(lambda: [n for one in runs for n in usher.notices(one)], bool)[0]
    assert notice["outcome"] == "TERMINATED"


def test_two_first_events_at_once_are_one_run_and_one_after_the_end_another(usher: Driver) -> None:
    key = fresh("b")
    puts = [publish(usher, "put", key, sku=sku) for sku in ("a", "b")]
    all_served(usher)
    publish(usher, "bought", key)
    runs = [run_of(key, "put", one) for one in puts]
    notice = eventually(lambda: [n for one in runs for n in usher.notices(one)], bool)[0]
    assert notice["output"] == ["a", "b"]
    again = publish(usher, "put", key, sku="c")
    usher.running(run_of(key, "put", again))
    publish(usher, "put", key, sku="d")
    for n, one in enumerate(puts):
        publish(usher, "put", key, one, sku="ab"[n])
    all_served(usher)
    publish(usher, "bought", key)
    assert usher.notice(run_of(key, "put", again))["output"] == ["c", "d"]
    assert len([n for one in runs for n in usher.notices(one)]) == 1


STEPS = ["after-Ledger.create", "after-LatestRuns.advance", "before-Engine.schedule"]
STEPS += ["after-Engine.schedule", "after-LatestRuns.adopt"]


@pytest.mark.parametrize("step", STEPS)
def test_a_run_comes_once_when_the_orchestrator_dies_at_a_step(
    usher: Driver, crash: Path, step: str
) -> None:
    key = fresh("s")
    publish(usher, "confirmed", key, n=5)
    all_served(usher)
    (crash / step).touch()
    first = publish(usher, "moved", key, n=1)
    eventually(lambda: (crash / step).exists(), lambda armed: not armed)
    assert usher.notice(run_of(key, "moved", first), COMES_BACK)["output"] == [1, 5]
    assert letters(usher, first) == []


@pytest.mark.parametrize("step", ["after-Ledger.take_over", "after-Engine.raise_event"])
def test_an_event_is_for_one_run_when_the_orchestrator_dies_at_a_step(
    usher: Driver, crash: Path, step: str
) -> None:
    key = fresh("b")
    first = publish(usher, "put", key, sku="a")
    usher.running(run_of(key, "put", first))
    all_served(usher)
    (crash / step).touch()
    second = publish(usher, "put", key, sku="b")
    eventually(lambda: (crash / step).exists(), lambda armed: not armed)
    all_served(usher)
    publish(usher, "bought", key)
    assert usher.notice(run_of(key, "put", first), COMES_BACK)["output"] == ["a", "b"]
    assert usher.status(run_of(key, "put", second)) is None


def test_an_event_of_a_key_is_explained_by_its_run(usher: Driver, tmp_path: Path) -> None:
    key = fresh("b")
    first = publish(usher, "put", key, sku="a")
    usher.running(run_of(key, "put", first))
    file = tmp_path / "event.json"
    file.write_text(
        '{"specversion": "1.0", "id": "next", "source": "/shop", "type": "com.acme.put", '
        f'"data": {{"id": "{key}", "sku": "b"}}}}'
    )
    told = run_usher(usher, "explain", str(file), "--topic", "baskets")
    assert (told["disposition"], told["instance_id"]) == ("delivered", run_of(key, "put", first))
