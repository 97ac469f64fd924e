"""A workflow is changed while instances of it run: on a stack whose workflow files are replaced."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from orchestrator.catalogue import Catalogue
from orchestrator.workflows import versioned_workflow
from tests.support.driver import Driver, eventually, fresh
from tests.support.recorded import assert_replays
from tests.support.stack import PORTS_BESIDE
from usher.stack.settings import StackSettings
from usher.stack.stack import Stack

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
    defaults = StackSettings(data_dir=tmp_path / "stack", workflows=(folder,))
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


def start(usher: Driver, workflow: str, waits_for: str) -> str:
    """Start an instance and return its id once it waits for its money."""
    instance = fresh(workflow)
    usher.request(f"{workflow}_versioned_workflow", instance_id=instance, input={"price": 100})
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

    upgraded.stack.stop("orchestrator")
    write(folder, "patched", PATCH)
    write(folder, "careless", "True")
    upgraded.stack.start("orchestrator")
    upgraded.stack.wait_healthy()

    after = start(upgraded, "patched", waits_for="90.00")
    for instance in (before, after, forgotten):
        upgraded.event(instance, "paid", {})
    assert upgraded.notice(before)["output"] == {"price": 100, "paid": True}
    assert upgraded.notice(after)["output"] == {"price": 90, "paid": True}
    assert_replays(upgraded, after, Catalogue.scan([folder]))

    eventually(lambda: upgraded.status(forgotten), lambda status: status == "FAILED")
    error = upgraded.get("starter", f"/status/{forgotten}")["error"]
    assert error["type"] == "NonDeterminismError", "what a patch is for"
