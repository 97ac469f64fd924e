"""What Kafka does and Redis does not: partitions, offsets, headers, and native producers."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from contracts.cloudevent import CloudEvent
from tests.integration.test_audit import _acknowledged, _audit
from tests.support.brokers import KafkaBroker
from tests.support.command import run_usher
from tests.support.driver import Driver, eventually, fresh
from usher.stack.errors import StackError
from usher.stack.kafka import address
from usher.stack.settings import StackSettings
from usher.stack.stack import Stack

ON_KAFKA = pytest.mark.parametrize("usher", ["on_kafka_postgres"], indirect=True)
pytestmark = pytest.mark.xdist_group("shapes")

HELLO = {"workflow": "hello_workflow", "input": "Ada"}


def _completed(usher: Driver, instance: str) -> None:
    assert usher.notice(instance, 60)["outcome"] == "COMPLETED"
    assert len(usher.notices(instance)) == 1


@ON_KAFKA
def test_a_record_in_binary_mode_is_served_as_the_event_of_its_headers(usher: Driver) -> None:
    event_id, instance = fresh("event"), fresh("hello")
    attributes = {"specversion": "1.0", "id": event_id, "source": "/läden", "type": "order"}
    headers = {f"ce_{name}": text.encode() for name, text in attributes.items()}
    body = json.dumps({**HELLO, "instance_id": instance}).encode()
    for _ in range(2):
        usher.append("workflow-requests", body, {**headers, "content-type": b"application/json"})
    _completed(usher, instance)
    eventually(lambda: usher.pending("workflow-requests"), lambda n: n == 0)
    told = usher.get("orchestrator", "/events", source="/läden", id=event_id)
    assert (told["disposition"], told["duplicates"]) == ("started", 1)


@ON_KAFKA
def test_bare_json_is_served_each_record_by_itself(usher: Driver) -> None:
    instances = [fresh("hello"), fresh("hello")]
    for instance in instances:
        body = json.dumps({**HELLO, "instance_id": instance}).encode()
        usher.append("workflow-requests", body)
    for instance in instances:
        _completed(usher, instance)


@ON_KAFKA
def test_what_no_header_can_carry_blocks_no_partition(usher: Driver) -> None:
    mark = fresh("mark")
    for number in range(8):
        usher.append("workflow-requests", f"{mark}-{number}".encode(), {"x": b"\xff\x00\xe4"})
    for number in range(8):
        assert usher.dead_letter(f"{mark}-{number}")["reason"] == "invalid_json"
    instances = [fresh("hello") for _ in range(8)]
    for instance in instances:
        usher.request("hello_workflow", instance_id=instance, input="Ada")
    for instance in instances:
        _completed(usher, instance)


@ON_KAFKA
def test_an_event_as_large_as_kafka_takes_by_default_is_put_aside_and_blocks_nothing(
    usher: Driver,
) -> None:
    event_id = fresh("event")
    command = {"workflow": "no_such_workflow", "input": "x" * 1_047_000}
    usher.cloudevent("workflow-requests", event_id, command)
    assert usher.dead_letter(event_id, 60)["reason"] == "unknown_workflow"
    eventually(lambda: usher.pending("workflow-requests"), lambda n: n == 0)


@ON_KAFKA
def test_the_events_of_an_instance_come_in_the_order_in_which_the_starter_took_them(
    usher: Driver,
) -> None:
    instances = [fresh("count") for _ in range(6)]
    for instance in instances:
        given = {"events": 10, "seconds": 120}
        usher.request("counting_workflow", instance_id=instance, input=given)
    for number in range(10):
        for instance in instances:
            answer = usher.post(f"/instances/{instance}/events/tick", json=number)
            assert answer.status_code == 202
    for instance in instances:
        assert usher.notice(instance, 60)["output"] == list(range(10))


@ON_KAFKA
def test_what_is_accepted_while_the_orchestrator_is_away_is_served(usher: Driver) -> None:
    instances = [fresh("hello") for _ in range(20)]
    with usher.away("orchestrator"):
        for instance in instances:
            usher.request("hello_workflow", instance_id=instance, input="Ada")
    for instance in instances:
        _completed(usher, instance)


@ON_KAFKA
def test_what_is_accepted_while_the_broker_comes_and_goes_is_served(usher: Driver) -> None:
    accepted: list[str] = []
    with usher.away("kafka"):
        answer = usher.post("/workflows/hello_workflow", json="Ada")
        assert answer.status_code == 503

    def publish() -> bool:
        answer = usher.post("/workflows/hello_workflow", json="Ada")
        if answer.is_success:
            accepted.append(answer.json()["instance_id"])
        return answer.is_success

    eventually(publish, bool, 60)
    for instance in accepted:
        _completed(usher, instance)


@ON_KAFKA
def test_a_topic_that_keeps_events_too_short_or_too_long_is_named(usher: Driver) -> None:
    def warned() -> list[str]:
        told = run_usher(usher, "doctor")
        return [one["wrong"] for one in told["items"] if "retention.ms" in one["where"]]

    assert warned() == []
    with _kept_for(usher, 3_600_000):
        assert warned() == ["1 hours: then Kafka deletes events, read or not"]
    with _kept_for(usher, -1):
        assert warned() == ["events are kept for ever, and the ledger knows them 30 days"]


@contextmanager
def _kept_for(usher: Driver, milliseconds: int) -> Iterator[None]:
    def set_to(value: str, how: AlterConfigOpType) -> None:
        entry = ConfigEntry("retention.ms", value, incremental_operation=how)
        topic = ConfigResource(ResourceType.TOPIC, "workflow-events", incremental_configs=[entry])
        client = AdminClient({"bootstrap.servers": address(usher.settings)})
        client.incremental_alter_configs([topic])[topic].result(20)

    set_to(str(milliseconds), AlterConfigOpType.SET)
    try:
        yield
    finally:
        set_to("", AlterConfigOpType.DELETE)


@ON_KAFKA
def test_records_of_every_form_are_accounted_for(usher: Driver) -> None:
    command = {"workflow": "hello_workflow", "input": "Ada"}
    ce = {
        "ce_specversion": b"1.0",
        "ce_id": fresh("event").encode(),
        "ce_source": "/läden".encode(),
    }
    structured = CloudEvent(fresh("event"), "/tests", "t", json.dumps(command).encode()).to_json()
    forms: list[tuple[bytes, dict[str, bytes]]] = [
        (structured, {}),
        (json.dumps(command).encode(), {**ce, "ce_type": b"order"}),
        (json.dumps({**command, "input": fresh("bare")}).encode(), {"x": b"\xff\x00"}),
        (fresh("no json").encode(), {"x": b"\xff\x00"}),
    ]
    entries = [usher.append("workflow-requests", *form) for form in forms for _ in range(2)]
    _acknowledged(usher)
    assert [one for one in _audit(usher).findings if one.entry in entries] == []


@ON_KAFKA
def test_p2_records_deleted_before_they_were_read_are_a_loss(usher: Driver) -> None:
    before = _audit(usher).unaccounted
    with KafkaBroker(usher.settings).holding("workflow-requests", "orchestrator") as held:
        held.append(b"{}")
        eventually(lambda: _audit(usher).open, lambda n: n == 1)
        held.delete(held.append(b"{}"))
        report = _audit(usher)
        assert report.unaccounted == before + 2
        assert "2 records were deleted before orchestrator" in report.findings[-1].missing
        assert run_usher(usher, "audit", code=1)["unaccounted"] == before + 2
        held.append(b"{}")
    eventually(lambda: usher.pending("workflow-requests"), lambda n: n == 0, 60)
    assert _audit(usher).unaccounted == before


MINIMAL: dict[str, Any] = {"brokers": "127.0.0.1:9092", "authType": "none"}


def test_a_users_own_minimal_component_is_refused_before_anything_starts(tmp_path: Path) -> None:
    lines = [f"    - name: {name}\n      value: {value}\n" for name, value in MINIMAL.items()]
    head = "apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata:\n  name: pubsub\n"
    text = f"{head}spec:\n  type: pubsub.kafka\n  version: v1\n  metadata:\n{''.join(lines)}"
    (tmp_path / "components").mkdir()
    (tmp_path / "components" / "pubsub.yaml").write_text(text)
    settings = StackSettings(data_dir=tmp_path / "data", components_dir=tmp_path / "components")
    stack = Stack(settings.shifted(150))
    with pytest.raises(StackError) as refused:
        stack.up(lambda _: None)
    assert "pubsub.yaml: initialOffset: it is not set" in str(refused.value)
    assert "pubsub.yaml: escapeHeaders: it is not set" in str(refused.value)
    assert not stack.is_up()
