"""The demo: what it publishes, and what it takes for right, missing and too much."""

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support import answers
from tests.support.stand_in import StandIn
from usher.demo import DemoResult, demo_settings, judge, run_demo
from usher.stack.errors import StackError
from usher.stack.settings import StackSettings


def notice(workflow: str, outcome: str, output: Any, id_: str) -> dict[str, Any]:
    found = {"id": id_, "workflow": workflow, "outcome": outcome, "output": output}
    return {**answers.NOTICE, **found}


NOTICES = [
    notice("fail_workflow", "FAILED", None, "n-3"),
    notice("approval_workflow", "COMPLETED", {"decision": "approved", "by": "Grace"}, "n-2"),
    notice("hello_workflow", "COMPLETED", {"final_greeting": "Hello, Ada!"}, "n-1"),
]
LETTER = {
    **answers.LETTER,
    "id": "d-1",
    "reason": "unknown_workflow",
    "event": {"id": "e", "data": {"workflow": "no_such_workflow"}},
}


class Sandbox:
    """What the demo talks to: a sidecar that takes every event, a notifier that holds as told."""

    def __init__(self, notices: list[dict[str, Any]], letters: list[dict[str, Any]]) -> None:
        self._lists = {"/notices": notices, "/dead-letters": letters}
        self.published: list[tuple[str, Any]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path.startswith("/v1.0/publish/pubsub/"):
            assert request.headers["content-type"] == "application/json"
            assert request.url.port == 3550
            self.published.append((path.rpartition("/")[2], json.loads(request.content)))
            return httpx.Response(204)
        if path == "/status/demo-approval":
            return httpx.Response(200, json=answers.INSTANCE)
        return httpx.Response(200, json={"items": self._lists[path], "next": None})

    def demo(self, stack: StandIn) -> DemoResult:
        def client(_: Collection[str]) -> httpx.Client:
            return httpx.Client(transport=httpx.MockTransport(self))

        said: list[str] = []
        return run_demo(stack, client, said.append, said.append, quiet_s=0)


@pytest.fixture
def demo_stack(tmp_path: Path) -> StandIn:
    return StandIn(demo_settings(StackSettings(data_dir=tmp_path / "stack")))


def test_the_demo_publishes_as_dapr_publish_does_and_stops_its_stack(demo_stack: StandIn) -> None:
    sandbox = Sandbox(NOTICES, [LETTER])
    assert sandbox.demo(demo_stack).right
    assert demo_stack.did == ["up fresh", "down"]
    assert [topic for topic, _ in sandbox.published] == ["workflow-requests"] * 4 + [
        "workflow-events"
    ]
    assert sandbox.published[0][1] == {"workflow": "hello_workflow", "input": "Ada"}


@pytest.mark.parametrize(
    ("notices", "letters", "too_much"),
    [
        ([*NOTICES, NOTICES[0]], [LETTER], ["notice: n-3"]),
        (NOTICES, [LETTER, LETTER], ["dead letter: d-1"]),
        ([*NOTICES, notice("w", "COMPLETED", None, "n-4")], [LETTER], ["notice: n-4"]),
    ],
)
def test_the_demo_fails_on_what_is_too_much(
    demo_stack: StandIn,
    notices: list[dict[str, Any]],
    letters: list[dict[str, Any]],
    too_much: list[str],
) -> None:
    assert Sandbox(notices, letters).demo(demo_stack).too_much == too_much


def test_what_is_missing_is_named() -> None:
    text = answers.dead_letter(id="d-2", reason="unknown_workflow", event={"data": "text"})
    told = [notice("hello_workflow", "COMPLETED", "Hello", "n-1"), *NOTICES[:2]]
    verdict = judge([answers.notice(**one) for one in told], [text])
    assert verdict.missing == [
        'notice: COMPLETED hello_workflow with {"final_greeting": "Hello, Ada!"}',
        "dead letter: unknown_workflow for no_such_workflow",
    ]
    assert verdict.too_much == ["notice: n-1", "dead letter: d-2"]


def test_the_demo_stops_its_stack_when_it_cannot_start(demo_stack: StandIn) -> None:
    demo_stack.fails = StackError("no")
    with pytest.raises(StackError):
        Sandbox([], []).demo(demo_stack)
    assert demo_stack.did == ["up fresh", "down"]


def test_the_demo_leaves_the_ports_and_data_of_a_running_stack_alone() -> None:
    settings = StackSettings()
    demo = demo_settings(settings)
    assert not set(settings.ports().values()) & set(demo.ports().values())
    assert demo.data_dir != settings.data_dir
