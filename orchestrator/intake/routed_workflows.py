"""What the routes in service say of whole workflows, for those who serve their events."""

from collections.abc import Iterable

from contracts.routes.route import Route


class RoutedWorkflows:
    """Names of workflows. The sets change as other routes are served."""

    def __init__(self, routes: Iterable[Route] = ()) -> None:
        self.cancelled_early: set[str] = set()
        """Those that an event may cancel before they start. One that is there once stays, as events
        that were accepted for it may wait."""
        self.again: set[str] = set()
        """Those whose keys have many runs, one after another."""
        self.serve(routes)

    def serve(self, routes: Iterable[Route]) -> None:
        """Go by these routes from now on."""
        routes = tuple(routes)
        self.cancelled_early |= {route.workflow for route in routes if route.spec.early}
        again = {route.workflow for route in routes if route.spec.again}
        self.again &= again
        self.again |= again
