"""`usher routes apply`: files of routes are served anew without a restart, or stay as they were."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import run_usher
from tests.support.driver import Driver, eventually, fresh

GREET = """\
greet-anew:
  from: visits
  type: com.acme.visit.anew
  start: shop_visit
  input: data.name
"""


@pytest.fixture
def file(usher: Driver) -> Iterator[Path]:
    """The file of routes of the stack, which is empty before and after."""
    (file,) = usher.settings.routes
    yield file
    file.write_text("")
    run_usher(usher, "routes", "apply")


def apply(usher: Driver, file: Path, text: str, code: int = 0) -> dict[str, Any]:
    file.write_text(text)
    (item,) = run_usher(usher, "routes", "apply", code=code)["items"]
    return dict(item)


def visit(usher: Driver, name: str) -> None:
    kind = "com.acme.visit.anew"
    usher.cloudevent("visits", fresh("visit"), {"name": name}, type=kind, source="/shop")


def greeted(usher: Driver, name: str) -> bool:
    found = usher.get("notifier", "/notices", limit=1000)["items"]
    return any(notice["output"] == name for notice in found)


def unrouted(usher: Driver) -> int:
    return int(usher.get("orchestrator", "/routes")["unrouted_total"])


def test_a_route_comes_pauses_changes_and_goes_while_the_orchestrator_runs(
    usher: Driver, file: Path
) -> None:
    process = usher.stack.pids()["orchestrator"]
    before = usher.get("orchestrator", "/routes")["digest"]

    added = apply(usher, file, GREET)
    assert (added["added"], added["digest"] != before) == (["greet-anew"], True)
    assert usher.get("orchestrator", "/routes")["digest"] == added["digest"]
    visit(usher, ada := fresh("Ada"))
    eventually(lambda: greeted(usher, ada), bool)

    assert apply(usher, file, f"{GREET}  paused: true\n")["paused"] == ["greet-anew"]
    left = unrouted(usher)
    visit(usher, paused := fresh("Paused"))
    eventually(lambda: unrouted(usher), lambda count: count > left)

    found = apply(usher, file, GREET.replace("data.name", "'\"Dear \" + data.name'"))
    assert (found["changed"], found["resumed"]) == (["greet-anew"], ["greet-anew"])
    visit(usher, grace := fresh("Grace"))
    eventually(lambda: greeted(usher, f"Dear {grace}"), bool)

    assert apply(usher, file, "")["removed"] == ["greet-anew"]
    assert usher.get("orchestrator", "/routes")["digest"] == before
    assert not greeted(usher, paused)
    assert usher.stack.pids()["orchestrator"] == process


def test_a_fault_or_a_new_topic_leaves_the_routes_as_they_are(usher: Driver, file: Path) -> None:
    digest = apply(usher, file, GREET)["digest"]
    wrong = apply(usher, file, GREET + "other:\n  from: visits\n  strat: shop_visit\n", code=1)
    assert {one["field"] for one in wrong["error"]["errors"]} == {f"{file}:6", f"{file}:8"}
    topic = apply(usher, file, GREET.replace("from: visits", "from: arrivals"), code=1)
    (error,) = topic["error"]["errors"]
    assert error["field"] == f"{file}:2"
    assert "restart the orchestrator and its sidecar" in error["message"]
    assert usher.get("orchestrator", "/routes")["digest"] == digest
    visit(usher, name := fresh("Ada"))
    eventually(lambda: greeted(usher, name), bool)


def test_an_event_that_waits_keeps_the_rule_under_which_it_came(usher: Driver, file: Path) -> None:
    """It is delivered by a route that is gone, to a workflow that starts after that."""
    late = "pay: {from: payments, type: late, key: data.id, deliver: shop_order, event: paid}\n"
    apply(usher, file, late)
    order = fresh("order")
    usher.cloudevent("payments", fresh("p"), {"id": order}, type="late", source="/shop")
    parked = lambda: usher.get("orchestrator", "/parked", limit=1000)["items"]  # noqa: E731
    eventually(parked, lambda items: any(order in str(one["instance_id"]) for one in items))
    assert apply(usher, file, "")["removed"] == ["pay"]
    placed = {"order_id": order}
    usher.cloudevent("orders", fresh("o"), placed, type="com.acme.order.placed", source="/shop")
    assert usher.notice(f"shop_order-{order}")["output"]["paid"] == {"id": order}
