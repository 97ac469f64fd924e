"""A workflow is changed while instances of it run: on a stack whose workflow files are replaced."""

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from orchestrator.authoring.catalogue import Catalogue
from orchestrator.workflows import versioned_workflow
from tests.support.driver import Document, Driver, eventually, fresh
from tests.support.recorded import assert_replays
from tests.support.stack import PORTS_BESIDE
from usher.stack.settings import StackSettings
from usher.stack.stack import Stack

COMES_BACK = 60
PATCH = 'ctx.is_patched("discount")'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of `USHER_WORKFLOWS` that holds the old versions."""
    folder = tmp_path / "workflows"
    folder.mkdir()
    write(folder, "patched", "False")
    write(folder, "careless", "False")
    return folder


@pytest.fixture
def upgraded(folder: Path, tmp_path: Path) -> Iterator[Driver]:
    """A stack of its own that serves what is in `folder`."""
    defaults = StackSettings(data_dir=tmp_path / "stack", workflows=(folder,), samples=True)
    settings = defaults.shifted(PORTS_BESIDE + 50)
    stack = Stack(settings)
    said: list[str] = []
    try:
        stack.up(report=said.append)
        with httpx.Client(timeout=30, trust_env=False) as http:
            yield Driver(stack, settings, http)
    finally:
        stack.down(report=said.append)


def write(folder: Path, name: str, condition: str) -> None:
    """Write our own workflow under names of its own, with `condition` where it asks for the patch.

    False is how it was before the patch, True is how somebody changes it who forgets to ask.
    """
    text = Path(versioned_workflow.__file__).read_text()
    for public in ("versioned_workflow", "price_activity", "discount_activity"):
        text = text.replace(public, f"{name}_{public}")
    assert PATCH in text
    (folder / f"{name}_versioned_workflow.py").write_text(text.replace(PATCH, condition))


def start(usher: Driver, workflow: str, waits_for: str, deadline_seconds: float = 60) -> str:
    """Start an instance and return its id once it waits for its money."""
    instance, asked = fresh(workflow), {"price": 100, "deadline_seconds": deadline_seconds}
    usher.request(f"{workflow}_versioned_workflow", instance_id=instance, input=asked)
    usher.running(instance)
    eventually(
        lambda: usher.get("starter", f"/status/{instance}")["custom_status"],
        lambda status: status == f"waiting for {waits_for}",
    )
    return instance


def test_instances_of_the_old_version_finish_after_an_upgrade(
    upgraded: Driver, folder: Path
) -> None:
    before = start(upgraded, "patched", waits_for="100.00")
    forgotten = start(upgraded, "careless", waits_for="100.00")

    def upgrade() -> None:
        write(folder, "patched", PATCH)
        write(folder, "careless", "True")

    deployed(upgraded, upgrade)

    after = start(upgraded, "patched", waits_for="90.00")
    for instance in (before, after, forgotten):
        upgraded.event(instance, "paid", {})
    assert upgraded.notice(before)["output"] == {"price": 100, "paid": True}
    assert upgraded.notice(after)["output"] == {"price": 90, "paid": True}
    assert_replays(upgraded, after, Catalogue.scan([folder]))

    event = _stands_still(upgraded, forgotten, "stalled")
    deployed(upgraded, lambda: write(folder, "careless", "False"))
    assert upgraded.notice(forgotten, COMES_BACK)["output"] == {"price": 100, "paid": True}
    _delivered(upgraded, event)


def test_runs_of_a_removed_workflow_stand_still_until_it_is_back(
    upgraded: Driver, folder: Path
) -> None:
    """Neither an event, nor a timer, nor a terminate makes one of them fail."""
    waits = start(upgraded, "patched", waits_for="100.00", deadline_seconds=600)
    ends = start(upgraded, "patched", waits_for="100.00")
    due = start(upgraded, "patched", waits_for="100.00", deadline_seconds=15)
    deployed(upgraded, lambda: (folder / "patched_versioned_workflow.py").unlink())

    eventually(lambda: _found(upgraded), lambda found: "patched_versioned_workflow" in found, 60)
    upgraded.event(waits, "paid", {})
    event = _stands_still(upgraded, waits, "no file here has")
    eventually(lambda: upgraded.status(due), lambda status: status == "STALLED")
    upgraded.publish("workflow-events", {"instance_id": ends, "control": "terminate"})
    assert upgraded.notice(ends)["outcome"] == "TERMINATED"
    other = fresh("hello")
    upgraded.request("hello_workflow", instance_id=other)
    assert upgraded.notice(other)["outcome"] == "COMPLETED"
    assert not upgraded.notices(waits) + upgraded.notices(due)

    deployed(upgraded, lambda: write(folder, "patched", "False"))
    assert upgraded.notice(due, COMES_BACK)["output"] == {"price": 100, "paid": False}
    assert upgraded.notice(waits, COMES_BACK)["output"] == {"price": 100, "paid": True}
    _delivered(upgraded, event)
    eventually(lambda: _found(upgraded), lambda found: "patched_versioned" not in found, 60)


GATED = '''"""Works until a file is there."""

from collections.abc import Generator
from pathlib import Path
from typing import Any

from dapr.ext.workflow import DaprWorkflowContext, WorkflowActivityContext
from tenacity import Retrying, stop_after_delay, wait_fixed

from orchestrator.registry import activity, workflow


@activity
def gated_activity(_: WorkflowActivityContext, file: str) -> str:
    """Read the file once it is there."""
    return Retrying(stop=stop_after_delay(120), wait=wait_fixed(0.1))(Path(file).read_text)


@workflow(example="/nowhere")
def gated_workflow(ctx: DaprWorkflowContext, file: str) -> Generator[Any, Any, Any]:
    """Return what the file says."""
    return (yield ctx.call_activity(gated_activity, input=file))
'''


def test_a_call_waits_for_an_activity_that_was_removed_while_it_ran(
    upgraded: Driver, folder: Path, tmp_path: Path
) -> None:
    """So does a run whose very first turn comes to an orchestrator without its workflow."""
    code, file = folder / "gated_workflow.py", tmp_path / "gate"
    deployed(upgraded, lambda: code.write_text(GATED))
    calls, born = fresh("calls"), fresh("born")
    upgraded.request("gated_workflow", instance_id=calls, input=str(file))
    running = 'usher_activities_running{activity="gated_activity"} 1.0'
    metrics = upgraded.url("orchestrator", "/metrics")
    eventually(lambda: upgraded.http.get(metrics).text, lambda text: running in text)

    deployed(upgraded, code.unlink)
    upgraded.ask_engine(f"gated_workflow/start?instanceID={born}", json=str(file))
    eventually(lambda: _found(upgraded), lambda found: "activity 'gated_activity'" in found, 60)
    eventually(lambda: upgraded.status(born), lambda status: status == "STALLED")
    assert upgraded.status(calls) == "RUNNING"

    file.write_text("done")
    deployed(upgraded, lambda: code.write_text(GATED))
    assert upgraded.notice(calls, COMES_BACK)["output"] == "done"
    assert upgraded.notice(born, COMES_BACK)["output"] == "done"


def deployed(usher: Driver, change: Callable[[], object]) -> None:
    """Stop the orchestrator, change its files, and start it again."""
    usher.stack.stop("orchestrator")
    change()
    usher.stack.start("orchestrator")
    usher.stack.wait_healthy()


def _found(usher: Driver) -> str:
    return str(usher.get("orchestrator", "/doctor")["items"])


def _stands_still(usher: Driver, instance_id: str, why: str) -> Document:
    """Return the event that was sent to it: it waits, and nobody says that it was delivered."""

    def parked() -> list[Document]:
        items = usher.get("orchestrator", "/parked", limit=1000)["items"]
        return [one for one in items if one["instance_id"] == instance_id]

    (event,) = eventually(parked, bool)
    assert why in event["why"]
    assert _disposition(usher, event) == "parked"
    return event


def _delivered(usher: Driver, event: Document) -> None:
    eventually(lambda: _disposition(usher, event), lambda told: told == "delivered", 120)


def _disposition(usher: Driver, event: Document) -> str:
    told = usher.get("orchestrator", "/events", source=event["source"], id=event["id"])
    return str(told["disposition"])
