"""A parked event is shown by the command that it waits with, also one that came by a route."""

from orchestrator.api.instances import parked
from tests.support.memory import World
from tests.unit.protocol.test_routed_crashes import ROUTES, publish


async def test_a_parked_event_of_a_route_is_shown_by_its_command() -> None:
    world = World(routes=ROUTES)
    await publish(world, "cancelled", "c-1")
    (entry,) = await world.parking.waiting(world.engine.timers)
    shown = parked(entry)
    assert (shown.instance_id, shown.event, shown.id) == (
        "hello_workflow-7",
        "terminate",
        "c-1",
    )
