"""Numbers keep their value and their kind on every way through Usher, however they came in."""

import json
from typing import Any

from tests.support.command import run_usher
from tests.support.driver import Driver, eventually, fresh

NUMBERS = (
    '{"nanoseconds": 1700000000123456789, "above": 9007199254740993, "float": 1.0,'
    ' "long": 12345678901234567890123, "small": 5e-324, "tenth": 0.1, "minus": -0.0,'
    ' "list": [1, 1.0, {"deep": -9007199254740993}], "text": "1.0 \\u00e9 <&>", "big": 1e+300}'
)
PRECISE = "0.1000000000000000055511151231257827"


def exactly(text: str | bytes) -> Any:
    """Read JSON with its numbers as they are written, so that `1` is not `1.0`."""
    return json.loads(text, parse_int=lambda n: f"int {n}", parse_float=lambda n: f"float {n}")


def items(usher: Driver, path: str, **params: str) -> list[Any]:
    answer = usher.http.get(usher.url("notifier", path), params=params)
    found: list[Any] = exactly(answer.raise_for_status().content)["items"]
    return found


def notice(usher: Driver, instance: str) -> Any:
    return eventually(lambda: items(usher, "/notices", instance_id=instance), bool)[0]


def letter(usher: Driver, mark: str) -> Any:
    def marked() -> list[Any]:
        found = items(usher, "/dead-letters", limit="1000")
        return [one for one in found if mark in json.dumps(one["event"])]

    return eventually(marked, bool)[0]


def request(workflow: str, instance: str, value: str = NUMBERS) -> bytes:
    return f'{{"workflow": "{workflow}", "instance_id": "{instance}", "input": {value}}}'.encode()


def published(usher: Driver, topic: str, mark: str) -> list[bytes]:
    """Return the entries of a topic that hold a mark, as the broker has them, newest first."""
    with usher.redis() as redis:
        found: Any = redis.xrevrange(topic, count=200)
    entries = [fields.get(b"data", b"") for _, fields in found]  # other tests leave odd entries
    return [entry for entry in entries if mark.encode() in entry]


def put(usher: Driver, topic: str, entry: bytes) -> None:
    """Put an entry on a topic that the starter's sidecar may not publish to."""
    with usher.redis() as redis:
        redis.xadd(topic, {"data": entry})


def test_numbers_come_out_in_the_notice_as_they_went_in(usher: Driver) -> None:
    """By `dapr publish`, and the event before its instance: it is parked on its way."""
    instance = fresh("carry")
    event = f'{{"instance_id": "{instance}", "event": "more", "data": {NUMBERS}}}'
    usher.publish("workflow-events", event.encode())
    eventually(lambda: published(usher, "workflow-events", instance), bool)
    usher.publish("workflow-requests", request("carrying_workflow", instance))
    want = {"input": exactly(NUMBERS), "more": exactly(NUMBERS)}
    assert notice(usher, instance)["output"] == want
    shown = usher.http.get(usher.url("orchestrator", f"/instances/{instance}"))
    assert exactly(shown.content)["output"] == want
    (line,) = [one for one in usher.log("notifier").splitlines() if instance in one]
    assert exactly(line[line.index("{") :]) == want


def test_numbers_come_out_in_the_notice_by_the_starter_too(usher: Driver) -> None:
    instance = fresh("carry")
    json_body: dict[str, Any] = {
        "content": NUMBERS.encode(),
        "headers": {"content-type": "application/json"},
    }
    path = f"/workflows/carrying_workflow?instance_id={instance}"
    usher.post(path, **json_body).raise_for_status()
    usher.post(f"/instances/{instance}/events/more", **json_body).raise_for_status()
    want = {"input": exactly(NUMBERS), "more": exactly(NUMBERS)}
    assert notice(usher, instance)["output"] == want


def test_the_starter_carries_every_digit_to_the_topic(usher: Driver) -> None:
    value = f'{{"numbers": {NUMBERS}, "precise": {PRECISE}, "exponent": 1e5}}'
    ids = [fresh("carry") for _ in range(4)]
    by_route, single, *batch = ids
    headers = {"content-type": "application/json"}
    path = f"/workflows/unknown_workflow?instance_id={by_route}"
    usher.post(path, content=value, headers=headers).raise_for_status()

    def envelope(instance: str) -> str:
        head = f'"specversion": "1.0", "id": "{instance}", "source": "/tests", "type": "t"'
        return f'{{{head}, "data": {request("unknown_workflow", instance, value).decode()}}}'

    headers = {"content-type": "application/cloudevents+json"}
    usher.post("/events", content=envelope(single), headers=headers).raise_for_status()
    headers = {"content-type": "application/cloudevents-batch+json"}
    several = f"[ {envelope(batch[0])} ,{envelope(batch[1])}]"
    usher.post("/events", content=several, headers=headers).raise_for_status()
    for instance in ids:
        (entry,) = published(usher, "workflow-requests", instance)
        assert exactly(entry)["data"]["input"] == exactly(value)


def test_numbers_stay_in_a_dead_letter_and_in_each_of_its_redrives(usher: Driver) -> None:
    instance, workflow = fresh("carry"), fresh("unknown")
    precise = f'{{"numbers": {NUMBERS}, "precise": {PRECISE}}}'
    usher.publish("workflow-requests", request(workflow, instance, precise))
    for attempts in (1, 2):
        eventually(lambda: letter(usher, instance)["attempts"], f"int {attempts}".__eq__)
        found = letter(usher, instance)
        assert found["event"]["data"]["input"]["numbers"] == exactly(NUMBERS)
        run_usher(usher, "redrive", "--id", found["event"]["id"], "--yes")
        sent = eventually(
            lambda n=attempts: published(usher, "workflow-requests", instance)[:-n],  # type: ignore[misc]
            bool,
        )
        assert exactly(sent[0])["data"]["input"] == exactly(precise)


def test_numbers_stay_in_what_a_sidecar_forwarded(usher: Driver) -> None:
    instance = fresh("carry")
    put(usher, "workflow-dead-letters", request("carrying_workflow", instance))
    found = letter(usher, instance)
    assert found["reason"] == "undeliverable"
    assert found["event"]["data"]["input"] == exactly(NUMBERS)


def test_a_number_beyond_a_float_is_put_aside_as_it_was_written(usher: Driver) -> None:
    instance = fresh("carry")
    usher.publish("workflow-requests", request("carrying_workflow", instance, "1e400"))
    found = letter(usher, instance)
    assert found["reason"] == "invalid_json"
    assert "1e400" in found["event"]["data"]


def test_what_is_no_completion_is_put_aside_with_its_numbers(usher: Driver) -> None:
    """Also an entry that no sidecar could decode: it would be tried for ever, unseen."""
    mark = fresh("stray")
    head = f'"specversion": "1.0", "id": "{mark}", "source": "/tests", "type": "test"'
    put(usher, "workflow-completions", f'{{{head}, "data": {NUMBERS}}}'.encode())
    found = letter(usher, mark)
    assert (found["reason"], found["topic"]) == ("invalid_event", "workflow-completions")
    assert found["event"]["data"] == exactly(NUMBERS)
    broken = fresh("broken")
    put(usher, "workflow-completions", f"no JSON {broken}".encode())
    assert letter(usher, broken)["reason"] == "invalid_json"
    left = eventually(lambda: usher.pending("workflow-completions", "notifier"), (0).__eq__)
    assert left == 0


def test_another_subscriber_of_completions_gets_a_proper_cloudevent(usher: Driver) -> None:
    """What is on the broker is one, with the identity it had when it was published."""
    instance = fresh("hello")
    usher.request("hello_workflow", instance_id=instance, input="Ada")
    told = usher.notice(instance)
    (entry,) = published(usher, "workflow-completions", instance)
    envelope = json.loads(entry)
    assert envelope["specversion"] == "1.0"
    assert envelope["id"] == told["id"]
    assert (envelope["source"], envelope["subject"]) == ("/usher/orchestrator", instance)
    assert envelope["type"] == "usher.workflow.completed.v1"
    assert envelope["data"]["output"] == told["output"]
