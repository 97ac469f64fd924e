"""A termination is repeated until its run has ended, as the engine may drop it."""

import json

import pytest
from dapr.ext.workflow import WorkflowStatus

from orchestrator.intake import control
from tests.support.memory import MemoryEngine, World

RUNNING, SUSPENDED = WorkflowStatus.RUNNING, WorkflowStatus.SUSPENDED
ASKED = {
    "specversion": "1.0",
    "id": "e-1",
    "source": "/test",
    "type": "t",
    "data": {"instance_id": "i-1", "control": "terminate"},
}


class Dropping(MemoryEngine):
    """An engine that drops some terminations: the first, or those of a suspended run."""

    drops = 0
    drops_while_suspended = False

    async def terminate(self, instance_id: str, reason: str | None) -> None:
        suspended = self.states[instance_id] is SUSPENDED
        if self.drops or (self.drops_while_suspended and suspended):
            self.drops -= not suspended
            self.done.append(("dropped",))
        else:
            await super().terminate(instance_id, reason)

    async def resume(self, instance_id: str) -> None:
        self.done.append(("resume",))
        self.states[instance_id] = RUNNING


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "ENDS_WITHIN_SECONDS", 0.05)


async def asked(engine: Dropping) -> tuple[World, str]:
    """Ask to terminate; return the world, and what the ledger says of the event."""
    world = World(engine)
    await world.inbox.on_event(json.dumps(ASKED).encode())
    (entry,) = [r for k, (r, _) in world.store.records.items() if k.startswith("event-")]
    return world, entry["disposition"]


def steps(world: World) -> list[str]:
    return [step[0] for step in world.engine.done]


async def test_a_termination_that_the_engine_drops_is_repeated() -> None:
    engine = Dropping({"i-1": RUNNING})
    engine.drops = 2
    world, disposition = await asked(engine)
    assert steps(world) == ["dropped", "dropped", "terminate"]
    assert disposition == "controlled"


async def test_a_run_that_stays_suspended_is_resumed_and_terminated() -> None:
    engine = Dropping({"i-1": SUSPENDED})
    engine.drops_while_suspended = True
    world, disposition = await asked(engine)
    assert steps(world) == ["dropped", "resume", "terminate"]
    assert disposition == "controlled"


async def test_a_suspended_run_that_ends_at_once_is_not_resumed() -> None:
    world, disposition = await asked(Dropping({"i-1": SUSPENDED}))
    assert steps(world) == ["terminate"]
    assert disposition == "controlled"


async def test_a_run_that_does_not_end_is_terminated_again_beside_the_topic() -> None:
    engine = Dropping({"i-1": RUNNING})
    engine.drops = control.TERMINATIONS
    world, disposition = await asked(engine)
    assert disposition == "parked"
    assert "i-1" in world.parking.unresponsive
    await world.parking.drain("i-1")
    assert engine.states["i-1"] is WorkflowStatus.TERMINATED
