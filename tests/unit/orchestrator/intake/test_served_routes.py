"""Another set of routes takes the place of the one in service: all of it, or none."""

import asyncio
import json
from datetime import datetime
from itertools import count
from pathlib import Path

import pytest

from contracts.routes.channels import subscriptions
from contracts.routes.route_set import digest
from orchestrator.authoring.catalogue import Catalogue, CatalogueError
from orchestrator.clock import Schedules
from orchestrator.intake.routed_arrivals import Router
from orchestrator.intake.routed_workflows import RoutedWorkflows
from orchestrator.intake.served_routes import ServedRoutes
from orchestrator.ledger.route_times import RouteTimes
from tests.support.memory import MemoryStore
from tests.support.routed import PLACE

CODE = '''\
"""Orders."""

from dapr.ext.workflow import DaprWorkflowContext

from usher import Cancel, Start, workflow


@workflow(on=[
    Start("orders", type="placed", key="data.id"),
    Cancel("payments", type="refused", key="data.id"),
])
def applied_order_workflow(ctx: DaprWorkflowContext, input: dict):
    """Wait."""
    yield ctx.wait_for_external_event("paid")


@workflow()
def moved_workflow(ctx: DaprWorkflowContext, input: dict):
    """Wait."""
    yield ctx.wait_for_external_event("seen")
'''
NAME = "applied_order_workflow"
CRM = f"crm:\n  from: orders\n  type: moved\n  start: {NAME}\n"
PAUSE = f"{NAME}/start: {{paused: true}}\n"


class Unwritable(MemoryStore):
    """A store that is away when it is told so."""

    away = False

    async def read(self, key: str) -> tuple[dict[str, object] | None, str]:
        if self.away:
            raise ConnectionError("away")
        return await super().read(key)


class Serving:
    """The routes of one folder in service; tests write its `routes.yaml`."""

    def __init__(self, folder: Path, file: str = "") -> None:
        (folder / "orders.py").write_text(CODE)
        self.file = folder / PLACE
        self.file.write_text(file)
        self.store = Unwritable()
        catalogue = Catalogue.scan([folder])
        times = RouteTimes(self.store, catalogue.routes)
        self.router = Router(catalogue.routes, {})
        self.schedules = Schedules(catalogue.routes, times, self.router.tick, self._serve)
        self.workflows = RoutedWorkflows(catalogue.routes)
        self.routes = ServedRoutes(
            catalogue,
            times,
            self.router,
            self.schedules.serve,
            self.workflows,
        )

    async def _serve(self, _: object) -> bool:
        return True

    async def apply(self, file: str) -> dict[str, list[str]]:
        """Write the file and apply it; return what changed."""
        self.file.write_text(file)
        found = (await self.routes.apply()).model_dump(exclude={"digest"})
        return {kind: names for kind, names in found.items() if names}

    def taken(self, kind: str, topic: str = "orders") -> list[str | None]:
        """Return the routes by which an event of this type is served."""
        event = {"specversion": "1.0", "id": "e", "source": "/s", "type": kind, "data": {"id": 1}}
        entry = json.dumps(event).encode()
        return [one.route for one in self.router.arrivals("pubsub-routes-ordered", topic, entry)]


async def test_routes_come_change_pause_and_go(tmp_path: Path) -> None:
    serving = Serving(tmp_path)
    assert serving.taken("moved") == []
    assert await serving.apply(CRM) == {"added": ["crm"]}
    assert serving.taken("moved") == ["crm"]
    assert await serving.apply(CRM.replace("moved", "left")) == {"changed": ["crm"]}
    assert (serving.taken("moved"), serving.taken("left")) == ([], ["crm"])
    assert await serving.apply(CRM + "  paused: true\n") == {"changed": ["crm"], "paused": ["crm"]}
    assert serving.taken("moved") == []
    assert await serving.apply(CRM) == {"resumed": ["crm"]}
    assert await serving.apply("") == {"removed": ["crm"]}
    assert serving.taken("moved") == []
    assert await serving.apply("") == {}


async def test_of_a_decorator_only_the_pause_changes(tmp_path: Path) -> None:
    serving = Serving(tmp_path)
    (tmp_path / "orders.py").write_text(CODE.replace("placed", "ordered"))
    assert await serving.apply(PAUSE) == {"paused": [f"{NAME}/start"]}
    assert serving.taken("placed") == []
    assert await serving.apply("") == {"resumed": [f"{NAME}/start"]}
    assert (serving.taken("placed"), serving.taken("ordered")) == ([f"{NAME}/start"], [])


async def test_a_file_that_was_not_there_at_the_start_is_read(tmp_path: Path) -> None:
    serving = Serving(tmp_path)
    serving.file.unlink()
    assert (await serving.routes.apply()).added == []
    assert await serving.apply(CRM) == {"added": ["crm"]}
    serving.file.unlink()
    assert (await serving.routes.apply()).removed == ["crm"]


async def test_every_fault_is_named_and_the_routes_stay(tmp_path: Path) -> None:
    serving = Serving(tmp_path, CRM)
    before = digest(serving.router.routes)
    wrong = "a:\n  from: orders\n  start: nobody\nb:\n  from: orders\n  strat: x\n"
    with pytest.raises(CatalogueError) as error:
        await serving.apply(wrong)
    said = [str(fault).removeprefix(f"{tmp_path}/") for fault in error.value.faults]
    assert {line.partition(" ")[0] for line in said} == {"routes.yaml:3:", "routes.yaml:4:"} | {
        "routes.yaml:6:"
    }
    assert digest(serving.router.routes) == before
    assert serving.taken("moved") == ["crm"]


async def test_the_routes_stay_while_the_store_is_away(tmp_path: Path) -> None:
    serving = Serving(tmp_path)
    serving.store.away = True
    with pytest.raises(ConnectionError):
        await serving.apply(CRM)
    assert serving.taken("moved") == []
    serving.store.away = False
    assert await serving.apply(CRM) == {"added": ["crm"]}


@pytest.mark.parametrize(
    ("route", "said"),
    [
        (f"new: {{from: crm, start: {NAME}}}", "crm is not subscribed to"),
        (f"new: {{from: kafka/orders, start: {NAME}}}", "kafka/orders is not subscribed to"),
        (
            f"new: {{from: orders, suspend: {NAME}, key: data.id}}",
            "orders is subscribed to many messages at once",
        ),
    ],
)
async def test_a_route_that_needs_another_subscription_is_refused(
    tmp_path: Path, route: str, said: str
) -> None:
    serving = Serving(tmp_path)
    with pytest.raises(CatalogueError) as error:
        await serving.apply(f"{route}\n{CRM}")
    (fault,) = error.value.faults
    assert f"new.from: {said}" in fault.message
    assert "restart the orchestrator and its sidecar" in fault.message
    assert serving.taken("moved") == []


async def test_a_topic_that_comes_in_order_serves_starts_alone_too(tmp_path: Path) -> None:
    both = f"a: {{from: crm, start: {NAME}}}\nb: {{from: crm, suspend: {NAME}, key: data.id}}\n"
    serving = Serving(tmp_path, both)
    assert ("pubsub-routes-ordered", "crm") in serving.routes.subscribed
    assert await serving.apply(both.splitlines()[0]) == {"removed": ["b"]}
    assert serving.taken("any", "crm") == ["a"]
    assert serving.routes.subscribed == subscriptions(Catalogue.scan([tmp_path]).routes) ^ {
        ("pubsub-routes", "crm"),
        ("pubsub-routes-ordered", "crm"),
    }


async def test_a_new_route_does_not_take_what_is_older_than_it(tmp_path: Path) -> None:
    serving = Serving(tmp_path)
    await serving.apply(CRM)
    (crm,) = [one for one in serving.router.report().items if one.name == "crm"]
    assert crm.since
    first = crm.since
    await serving.apply("")
    await serving.apply(CRM.replace("moved", "left"))
    (crm,) = [one for one in serving.router.report().items if one.name == "crm"]
    assert crm.since == first


async def test_a_workflow_that_may_be_cancelled_early_is_known_before_its_event_comes(
    tmp_path: Path,
) -> None:
    serving = Serving(tmp_path, f"c: {{from: crm, cancel: {NAME}, key: data.id}}\n")
    assert serving.workflows.cancelled_early == set()
    await serving.apply(f"c: {{from: crm, cancel: {NAME}, key: data.id, early: 1h}}\n")
    await serving.apply("")
    assert serving.workflows.cancelled_early == {
        NAME
    }  # an event that waits was accepted by the old route


async def test_a_key_may_get_many_runs_and_one_again(tmp_path: Path) -> None:
    start = "c: {{from: orders, start: moved_workflow, key: data.id{}}}\n"
    serving = Serving(tmp_path, start.format(""))
    await serving.apply(start.format(", again: true"))
    assert serving.workflows.again == {"moved_workflow"}
    await serving.apply(start.format(""))
    assert serving.workflows.again == set()


async def test_a_schedule_that_changes_makes_up_for_nothing(tmp_path: Path) -> None:
    every = "tick:\n  every: '{}'\n  start: " + NAME + "\n"
    serving = Serving(tmp_path, every.format("0 9 * * *"))
    await serving.schedules.look()
    assert await serving.apply(every.format("* * * * *")) == {"changed": ["tick"]}
    (route,) = [one for one in serving.router.routes if one.name == "tick"]
    times = RouteTimes(serving.store, [route])
    began = await times.last_tick(route)
    assert began <= datetime.now(began.tzinfo)
    await serving.apply("")
    await serving.apply(every.format("* * * * *"))
    assert await times.last_tick(route) > began


async def test_an_entry_is_served_by_one_set_or_the_other(tmp_path: Path) -> None:
    """Both routes are renamed at once, while entries of many events are read in other threads."""
    one = "a{0}: {{from: orders, start: {1}}}\nb{0}: {{from: orders, start: {1}}}\n"
    serving = Serving(tmp_path, one.format(1, NAME))
    events = [
        {"specversion": "1.0", "id": str(n), "source": "/s", "type": "t", "data": {}}
        for n in range(50)
    ]
    entry = json.dumps(events).encode()
    sets: set[frozenset[str | None]] = set()
    done = asyncio.Event()

    def read() -> frozenset[str | None]:
        found = serving.router.arrivals("pubsub-routes", "orders", entry)
        assert len(found) == 2 * len(events)
        return frozenset(arrival.route for arrival in found)

    async def arrive() -> None:
        while not done.is_set():
            sets.add(await asyncio.to_thread(read))

    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        group.create_task(arrive())
        for nth in count():
            await serving.apply(one.format(2 - nth % 2, NAME))
            if nth >= 9 and len(sets) == 2:
                break
        done.set()
    assert sets == {frozenset({"a1", "b1"}), frozenset({"a2", "b2"})}


async def test_two_applications_at_once_come_one_after_the_other(tmp_path: Path) -> None:
    serving = Serving(tmp_path)
    serving.file.write_text(CRM)
    first, second = await asyncio.gather(serving.routes.apply(), serving.routes.apply())
    assert [first.added, second.added] == [["crm"], []]
    assert first.digest == second.digest == digest(serving.router.routes)
