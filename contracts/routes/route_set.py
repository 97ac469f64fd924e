"""A set of routes: its digest, and what differs between two of them."""

import json
from collections.abc import Iterable
from hashlib import sha256

from contracts.routes.route import Route
from contracts.served_routes import RouteChanges


def digest(routes: Iterable[Route]) -> str:
    """Return a digest of the names and fields of routes, whatever files they are in."""
    fields = {route.name: route.spec.as_json() for route in routes}
    return sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()[:16]


def changes(before: Iterable[Route], after: Iterable[Route]) -> RouteChanges:
    """Return the names of the routes that differ, by what became of them."""
    old = {route.name: route.spec for route in before}
    after = tuple(after)
    new = {route.name: route.spec for route in after}
    both = [(name, old[name], new[name]) for name in new if name in old]
    switched = [(name, spec.paused) for name, was, spec in both if was.paused != spec.paused]
    return RouteChanges(
        digest=digest(after),
        added=[name for name in new if name not in old],
        removed=[name for name in old if name not in new],
        changed=[
            name
            for name, was, spec in both
            if was.model_copy(update={"paused": spec.paused}) != spec
        ],
        paused=[name for name, paused in switched if paused],
        resumed=[name for name, paused in switched if not paused],
    )
