"""Instances and their history as the orchestrator's HTTP API shows them."""

import json
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import grpc
import httpx
import pytest
from dapr.ext.workflow import WorkflowState, WorkflowStatus

from contracts.fault import Fault
from contracts.finding import Finding, warning
from contracts.http import HistoryEvent
from contracts.served_routes import RouteChanges
from orchestrator.app import build_app
from orchestrator.authoring.catalogue import Catalogue, CatalogueError
from orchestrator.engine.envelope import Cause, seal
from orchestrator.engine.state import instance_of
from orchestrator.service import Orchestrator
from orchestrator.settings import Settings
from tests.support.asgi import ask, service_of

STATE: dict[str, Any] = {
    "instance_id": "i-1",
    "name": "hello_workflow",
    "runtime_status": WorkflowStatus.COMPLETED,
    "created_at": datetime(2030, 1, 1),  # noqa: DTZ001  # as the SDK tells it: UTC, unsaid
    "last_updated_at": datetime(2030, 1, 1, 0, 0, 2),  # noqa: DTZ001
    "serialized_input": json.dumps(seal(Cause(event_id="e-1"), "Ada")),
    "serialized_output": '{"final_greeting": "Hello, Ada!"}',
    "serialized_custom_status": "",
    "failure_details": None,
}
HISTORY = HistoryEvent(
    event_id=3,
    timestamp=datetime(2030, 1, 1, tzinfo=UTC),
    type="TASK_COMPLETED",
    name=None,
    task_scheduled_id=1,
    error=None,
)
BROKEN = SimpleNamespace(error_type="RuntimeError", message="out of paper")


def state(**changes: Any) -> WorkflowState:
    return cast(WorkflowState, SimpleNamespace(**{**STATE, **changes}))


def shown(**changes: Any) -> dict[str, Any]:
    return instance_of(state(**changes)).model_dump(mode="json")


def test_an_instance_shows_what_its_author_sees() -> None:
    assert shown() == {
        "instance_id": "i-1",
        "workflow": "hello_workflow",
        "status": "COMPLETED",
        "created_at": "2030-01-01T00:00:00Z",
        "updated_at": "2030-01-01T00:00:02Z",
        "input": "Ada",
        "output": {"final_greeting": "Hello, Ada!"},
        "custom_status": None,
        "error": None,
        "event_id": "e-1",
        "stalled": None,
    }


@pytest.mark.parametrize(
    ("stored", "given"), [(None, None), ("", None), ('"Ada"', "Ada"), ('{"a": 1}', {"a": 1})]
)
def test_an_instance_that_was_scheduled_past_usher_shows_its_input_too(
    stored: str | None, given: Any
) -> None:
    assert shown(serialized_input=stored)["input"] == given


def test_a_failure_is_shown_with_type_and_text() -> None:
    found = shown(runtime_status=WorkflowStatus.FAILED, failure_details=BROKEN)
    assert found["error"] == {"type": "RuntimeError", "message": "out of paper"}


# --- the routes -----------------------------------------------------------------------------------


class Away(grpc.RpcError):
    pass


class Engine:
    """One instance, `i-1`; or nobody answers."""

    def __init__(self, away: Exception | None = None, found: WorkflowState | None = None) -> None:
        self._away = away
        self._found = found or state()

    async def state(self, instance_id: str) -> WorkflowState | None:
        if self._away:
            raise self._away
        return self._found if instance_id == "i-1" else None

    async def all_ids(self) -> list[str]:
        return ["purged-meanwhile", "i-1", "usher_expire-1"]

    async def history(self, instance_id: str) -> list[Any] | None:
        return [HISTORY] if instance_id == "i-1" else None


async def findings() -> list[Finding]:
    return [warning("the instance i-1", "it is STALLED", "terminate it", "P6")]


async def known_without_instance(instance_id: str) -> str:
    return "; a start is held" if instance_id == "i-held" else ""


def get(
    path: str, engine: Engine | None = None, not_ready: str | None = None, **params: Any
) -> httpx.Response:
    app = build_app(cast(Orchestrator, service_of(not_ready)))
    app.state.reads = SimpleNamespace(
        engine=engine or Engine(),
        workflows=Catalogue.scan().workflows,
        settings=Settings(),
        findings=findings,
        facts=SimpleNamespace(known_without_instance=known_without_instance),
    )
    return ask(app, "GET", path, params=params)


def test_every_workflow_is_listed_with_what_it_takes() -> None:
    document = get("/workflows").json()
    assert document["next"] is None
    hello = next(item for item in document["items"] if item["name"] == "hello_workflow")
    assert hello["description"]
    assert hello["example"] == {"name": "Ada"}
    assert hello["announce"] is True
    assert hello["input_schema"]


def test_an_instance_is_found_by_its_id_or_is_not_there() -> None:
    assert get("/instances/i-1").json() == shown()
    nobody, held = get("/instances/i-2"), get("/instances/i-held")
    assert (nobody.status_code, held.status_code) == (404, 404)
    assert nobody.json()["detail"] == "no instance has the id 'i-2'"
    assert held.json()["detail"].endswith("; a start is held")


def test_instances_come_a_page_at_a_time_and_one_purged_meanwhile_is_left_out() -> None:
    assert get("/instances", limit=5000).json() == {"items": [shown()], "next": None}
    assert get("/instances", limit=1).json() == {"items": [shown()], "next": "i-1"}
    assert get("/instances", cursor="i-1").json() == {"items": [], "next": None}
    assert get("/instances", limit=0).status_code == 422


def test_instances_are_found_by_status_and_workflow() -> None:
    assert get("/instances", status="COMPLETED", workflow="hello_workflow").json()["items"]
    assert get("/instances", status="RUNNING").json()["items"] == []
    assert get("/instances", workflow="other_workflow").json()["items"] == []
    assert get("/instances", status="AWAY").status_code == 422


def test_a_history_is_listed_or_there_is_no_such_instance() -> None:
    document = get("/instances/i-1/history").json()
    assert [item["type"] for item in document["items"]] == ["TASK_COMPLETED"]
    assert get("/instances/i-2/history").status_code == 404


@pytest.mark.parametrize("away", [Away("gone"), httpx.ConnectError("refused")])
def test_an_engine_that_cannot_be_asked_is_503(away: Exception) -> None:
    assert get("/instances/i-1", Engine(away)).status_code == 503


def test_an_output_that_is_no_json_elsewhere_does_not_break_the_page() -> None:
    engine = Engine(found=state(serialized_output="NaN"))
    assert get("/instances/i-1", engine).status_code == 200


def test_a_finding_is_shown_with_the_times_it_is_held_against() -> None:
    document = get("/doctor").json()
    assert document["items"] == [
        {
            "level": "warning",
            "where": "the instance i-1",
            "wrong": "it is STALLED",
            "right": "terminate it",
            "breaks": "P6",
        }
    ]
    assert document["settings"]["ledger_days"] == 30


def test_readiness_says_what_is_missing() -> None:
    ready = get("/readyz")
    assert (ready.status_code, ready.json()) == (200, {"status": "ready"})
    waiting = get("/readyz", not_ready="no worker")
    assert (waiting.status_code, waiting.json()) == (503, {"status": "no worker"})
    assert get("/healthz", not_ready="no worker").status_code == 200


@pytest.mark.parametrize(
    "text", ["no JSON", '"\\ud800"', "[" * 100_000, "9" * 6_000, "[" * 300 + "]" * 300]
)
def test_what_no_answer_can_have_is_shown_as_the_text_that_is_stored(text: str) -> None:
    instance = shown(serialized_input=text, serialized_output=text)
    assert (instance["input"], instance["output"]) == (text, text)
    json.dumps([instance], ensure_ascii=False).encode()


@pytest.mark.parametrize("text", [None, "", "null"])
def test_nothing_is_shown_as_nothing(text: str | None) -> None:
    assert shown(serialized_input=text, serialized_output=text)["input"] is None


CHANGES = {"added": ["crm"], "removed": [], "changed": [], "paused": [], "resumed": []}


def apply(fault: Fault | None = None, **headers: str) -> httpx.Response:
    async def changes() -> RouteChanges:
        if fault:
            raise CatalogueError([fault, fault])
        return RouteChanges(digest="d", **CHANGES)

    app = build_app(cast(Orchestrator, service_of()))
    app.state.reads = SimpleNamespace(apply_routes=changes)
    return ask(app, "POST", "/routes/apply", headers=headers)


def test_routes_are_applied_and_the_answer_has_what_changed() -> None:
    assert apply().json() == {"digest": "d", **CHANGES}


def test_every_fault_of_routes_is_told_by_its_place() -> None:
    answer = apply(Fault(Path("routes.yaml"), "crm.from: required", 3))
    assert answer.status_code == 422
    assert answer.json()["errors"] == [
        {"field": "routes.yaml:3", "message": "crm.from: required"},
        {"field": "routes.yaml:3", "message": "crm.from: required"},
    ]


def test_no_other_web_site_applies_routes() -> None:
    assert apply(origin="https://evil.example").status_code == 403
