"""The user's own command: the real `dapr publish`, the notifier's line."""

import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.driver import Driver, eventually, fresh

Publish = Callable[[str, object], None]


@pytest.fixture
def publish(usher: Driver, dapr_cli: Path, tmp_path: Path) -> Publish:
    """`dapr publish` that sees starter's sidecar of this stack only, not one that `make up` runs.

    It looks sidecars up by their command lines, in the folder that HOST_PROC names.
    """
    pid = usher.stack.pids()["starter-daprd"]
    (tmp_path / str(pid)).symlink_to(f"/proc/{pid}")

    def to(topic: str, data: object) -> None:
        command = [str(dapr_cli), "publish", "--publish-app-id", "starter", "--pubsub", "pubsub"]
        told = subprocess.run(
            [*command, "--topic", topic, "--data", json.dumps(data)],
            env={**os.environ, "HOST_PROC": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert told.returncode == 0, told.stdout + told.stderr
        assert "published successfully" in told.stdout

    return to


def test_the_cli_is_the_real_one(dapr_cli: Path) -> None:
    told = subprocess.run([dapr_cli, "--version"], capture_output=True, text=True, check=True)
    assert re.search(r"CLI version: v?1\.\d+\.\d+", told.stdout)


def test_dapr_publish_makes_the_notifier_greet(usher: Driver, publish: Publish) -> None:
    name = fresh("Ada")
    publish("workflow-requests", {"workflow": "hello_workflow", "input": name})
    eventually(lambda: usher.log("notifier"), lambda log: f"Hello, {name}!" in log)


def test_dapr_publish_keeps_a_full_cloudevent(usher: Driver, publish: Publish) -> None:
    instance, event_id = fresh("hello"), fresh("event")
    event = {
        "specversion": "1.0",
        "id": event_id,
        "source": "/tests",
        "type": "test",
        "datacontenttype": "application/json",
        "data": {"workflow": "hello_workflow", "input": "Ada", "instance_id": instance},
    }
    for _ in range(3):
        publish("workflow-requests", event)
    assert usher.notice(instance)["output"] == {"final_greeting": "Hello, Ada!"}
    eventually(lambda: usher.pending("workflow-requests"), lambda pending: pending == 0)
    assert len(usher.notices(instance)) == 1


def test_dapr_publish_answers_a_waiting_approval(usher: Driver, publish: Publish) -> None:
    instance = fresh("approval")
    request = {"workflow": "approval_workflow", "instance_id": instance}
    publish("workflow-requests", request)
    usher.running(instance)
    answer = {"instance_id": instance, "event": "approval", "data": {"approved": True}}
    publish("workflow-events", answer)
    assert usher.notice(instance)["output"]["decision"] == "approved"


def event(kind: str, order_id: str, event_id: str | None = None) -> dict[str, object]:
    """Return an event of a shop, as `dapr publish` takes it: a whole CloudEvent."""
    head = {"specversion": "1.0", "id": event_id or fresh("shop"), "source": "/shop", "type": kind}
    return {**head, "datacontenttype": "application/json", "data": {"order_id": order_id}}


PLACED, CANCELLED = "com.example.order.placed", "com.example.order.cancelled"
PAID = "com.example.payment.settled"


def test_dapr_publish_of_five_copies_of_an_order_is_one_purchase(
    usher: Driver, publish: Publish
) -> None:
    order_id, placed = fresh("order"), fresh("placed")
    for _ in range(5):
        publish("orders", event(PLACED, order_id, placed))
    publish("payments", event(PAID, order_id))
    assert usher.notice(f"purchase_workflow-{order_id}")["output"]["status"] == "paid"
    eventually(lambda: usher.pending("orders"), lambda pending: pending == 0)
    assert len(usher.notices(f"purchase_workflow-{order_id}")) == 1


def test_dapr_publish_may_pay_an_order_before_it_is_placed(usher: Driver, publish: Publish) -> None:
    order_id = fresh("order")
    publish("payments", event(PAID, order_id))
    eventually(lambda: usher.pending("payments"), lambda pending: pending == 0)
    publish("orders", event(PLACED, order_id))
    assert usher.notice(f"purchase_workflow-{order_id}")["output"]["status"] == "paid"


def test_dapr_publish_cancels_an_order_before_and_after_it_is_placed(
    usher: Driver, publish: Publish
) -> None:
    before, after, placed = fresh("order"), fresh("order"), fresh("placed")
    publish("orders", event(CANCELLED, before))
    publish("orders", event(PLACED, before, placed))
    publish("orders", event(PLACED, after))
    usher.running(f"purchase_workflow-{after}")
    publish("orders", event(CANCELLED, after))
    assert usher.notice(f"purchase_workflow-{after}")["outcome"] == "TERMINATED"
    assert usher.dead_letter(placed)["reason"] == "cancelled_early"
    assert usher.status(f"purchase_workflow-{before}") is None
