"""Routes on completion events: chains go on, circles end, on the real runtime."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contracts.routes.depth import MAX_DEPTH
from tests.support.command import run_usher
from tests.support.driver import Driver, eventually, fresh
from tests.support.stack import PORTS_BESIDE, healthy, up

FOLDER = Path(__file__).parents[1] / "support" / "circles"
TOPIC = "workflow-completions"


@pytest.fixture(scope="module")
def circling() -> Iterator[Driver]:
    with up(PORTS_BESIDE + 1240, workflows=(FOLDER,), samples=False) as driver:
        yield driver


@pytest.fixture
def usher(circling: Driver) -> Iterator[Driver]:
    yield from healthy(circling)


def _completions(usher: Driver, workflow: str, name: str) -> list[dict[str, Any]]:
    """Return the completion events of the runs whose output has this name, oldest first."""
    with usher.redis() as redis:
        entries: Any = redis.xrange(TOPIC)
    events = [json.loads(fields[b"data"]) for _, fields in entries]
    mine = [one for one in events if one["data"]["workflow"] == workflow]
    return [one for one in mine if name in json.dumps(one["data"]["output"])]


def _loops(usher: Driver, name: str) -> list[dict[str, Any]]:
    letters = usher.dead_letters(reason="loop")
    return [one for one in letters if name in json.dumps(one["event"])]


def _audited(usher: Driver) -> dict[str, Any]:
    for group in ("orchestrator", "notifier"):
        eventually(lambda group=group: usher.pending(TOPIC, group), lambda n: n == 0)  # type: ignore[misc]
    told: dict[str, Any] = run_usher(usher, "audit")
    return told


def test_a_completion_starts_the_next_workflow(usher: Driver) -> None:
    name = fresh("chain")
    usher.request("first_workflow", input=name)
    assert usher.notice(f"second_workflow-{name}")["output"] == f"{name} followed"
    ((first,), (second,)) = [
        _completions(usher, workflow, name) for workflow in ("first_workflow", "second_workflow")
    ]
    assert ("usherdepth" in first, second["usherdepth"]) == (False, 1)
    assert second["causationid"] == first["id"]
    assert _loops(usher, name) == []
    assert _audited(usher)["unaccounted"] == 0


@pytest.mark.parametrize(
    ("started", "completes"),
    [("circling_workflow", "circling_workflow"), ("calling_workflow", "called_workflow")],
)
def test_a_circle_ends_with_one_dead_letter(usher: Driver, started: str, completes: str) -> None:
    name = fresh("circle")
    usher.request(started, instance_id=f"{started}-{name}-0", input={"name": name})
    (letter,) = eventually(lambda: _loops(usher, name), bool, seconds=90)
    assert letter["route"] == f"{started}/start"
    assert letter["topic"] == TOPIC
    assert letter["event"]["usherdepth"] == MAX_DEPTH
    assert f"of {started}: let `when`" in letter["message"]
    usher.notice(f"{started}-{name}-{MAX_DEPTH}")
    found = _completions(usher, completes, name)
    assert [one.get("usherdepth", 0) for one in found] == [*range(MAX_DEPTH + 1)]
    assert [one["data"]["output"]["round"] for one in found] == [*range(MAX_DEPTH + 1)]
    assert usher.status(f"{started}-{name}-{MAX_DEPTH + 1}") is None
    told = _audited(usher)
    assert (told["unaccounted"], told["not_audited"]) == (0, [])
    done = run_usher(usher, "redrive", "--id", letter["event"]["id"], "--yes", code=None)
    assert "only the orchestrator publishes" in json.dumps(done)


def test_an_event_on_the_topic_of_completions_is_explained_by_the_routes(
    usher: Driver, tmp_path: Path
) -> None:
    file = tmp_path / "event.json"
    data = {"workflow": "first_workflow", "outcome": "COMPLETED", "output": fresh("o")}
    head = {"specversion": "1.0", "id": fresh("e"), "source": "/usher/orchestrator"}
    event = {**head, "type": "usher.workflow.completed.v1", "data": data}
    file.write_text(json.dumps(event))
    assert run_usher(usher, "explain", str(file), "--topic", TOPIC)["disposition"] == "started"
    file.write_text(json.dumps({**event, "usherdepth": MAX_DEPTH}))
    found = run_usher(usher, "explain", str(file), "--topic", TOPIC, code=5)
    assert (found["disposition"], found["reason"]) == ("dead_lettered", "loop")
