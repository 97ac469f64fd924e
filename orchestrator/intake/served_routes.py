"""The routes in service, and how another set takes their place while events arrive."""

import asyncio
from collections.abc import Callable, Iterable, Iterator

import structlog

from contracts.fault import Fault
from contracts.routes.channels import OWN_COMPONENTS, channel, subscriptions
from contracts.routes.route import Route
from contracts.routes.route_set import changes
from contracts.served_routes import RouteChanges
from contracts.topics import PUBSUB_ROUTES, PUBSUB_ROUTES_ORDERED
from orchestrator.authoring.catalogue import Catalogue, CatalogueError
from orchestrator.intake.routed_arrivals import Router
from orchestrator.intake.routed_workflows import RoutedWorkflows
from orchestrator.ledger.route_times import RouteTimes

_RESTART = "and a sidecar reads subscriptions once: restart the orchestrator and its sidecar"

_log = structlog.get_logger()


class ServedRoutes:
    """Reads the files of routes again, and has router and schedules serve what they hold now."""

    def __init__(
        self,
        catalogue: Catalogue,
        times: RouteTimes,
        router: Router,
        schedule: Callable[[Iterable[Route]], None],
        workflows: RoutedWorkflows,
    ) -> None:
        """`schedule` replaces the routes with a schedule."""
        self._catalogue = catalogue
        self._times = times
        self._router = router
        self._schedule = schedule
        self._workflows = workflows
        self._one_at_a_time = asyncio.Lock()
        self.subscribed = frozenset(subscriptions(catalogue.routes))
        """Components and topics. They stay: a sidecar reads subscriptions once in its life."""

    async def renew(self) -> None:
        """Write the times of the routes again, as the store forgets what nobody writes."""
        await self._times.seen()

    async def apply(self) -> RouteChanges:
        """Serve what the files hold now, and return what is different.

        Raises `CatalogueError` with every fault. Then, and where the store is away, the routes stay
        as they are.
        """
        async with self._one_at_a_time:
            routes = await asyncio.to_thread(self._catalogue.read_routes)
            if faults := list(_not_subscribed(routes, self.subscribed)):
                raise CatalogueError(faults)
            found = changes(self._router.routes, routes)
            times = self._times.of(routes)
            seen = await times.seen()
            for route in routes:  # a schedule begins now: what its old form missed is not its own
                if route.schedule and route.name in (*found.added, *found.changed):
                    await times.begin(route)
            # Nothing waits from here on: an entry is served by one set or by the other.
            self._workflows.serve(routes)
            self._router.serve(routes, seen)
            self._schedule(routes)
            self._times = times
        _log.info("routes applied", **found.model_dump())
        return found


def _not_subscribed(
    routes: Iterable[Route], subscribed: frozenset[tuple[str, str]]
) -> Iterator[Fault]:
    """Find the routes whose topic is not subscribed to, or not one message at a time."""
    routes = list(routes)
    for component, topic in sorted(subscriptions(routes) - subscribed):
        if component == PUBSUB_ROUTES and (PUBSUB_ROUTES_ORDERED, topic) in subscribed:
            continue  # in order serves as well
        unordered = (PUBSUB_ROUTES, topic) in subscribed and component == PUBSUB_ROUTES_ORDERED
        why = "is subscribed to many messages at once" if unordered else "is not subscribed to"
        named = None if component in OWN_COMPONENTS else component
        for route in routes:
            at_fault = not unordered or route.verb not in ("start", "unmatched")
            if (route.component, route.topic) == (named, topic) and at_fault:
                yield route.fault("from", f"{channel(component, topic)} {why}, {_RESTART}")
