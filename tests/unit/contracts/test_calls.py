"""Each call is answered by a route of its service, with the very model that the call names."""

import inspect
from typing import Any, cast, get_args

import pytest
from fastapi.routing import APIRoute
from starlette.routing import Match

import notifier.page.sse
import notifier.routes
import orchestrator.api.routes
import starter.routes
from chassis.probes import probes
from contracts import calls
from contracts.calls import Call
from contracts.records import Redrive

ARGUMENTS: dict[str, Any] = {
    "workflow": "w",
    "instance_id": "i-1",
    "event": "go",
    "source": "/s",
    "limit": 1,
    "cloudevent": b"{}",
    "keys": [],
    "ids": [],
    "wanted": Redrive(),
    "service": "orchestrator",
}


def sample(make: Any) -> Call[Any]:
    names = {
        name: ARGUMENTS.get(name, "e-1")
        for name, one in inspect.signature(make).parameters.items()
        if one.default is inspect.Parameter.empty
    }
    return cast("Call[Any]", make(**names))


MAKERS = [
    make
    for name, make in inspect.getmembers(calls, inspect.isfunction)
    if make.__module__ == calls.__name__ and not name.startswith("_")
]


ROUTERS = {
    "starter": [starter.routes.router],
    "orchestrator": [orchestrator.api.routes.router],
    "notifier": [notifier.routes.router, notifier.page.sse.router],
}


def routes(service: str) -> list[APIRoute]:
    async def nothing() -> Any: ...

    routers = *ROUTERS[service], probes(nothing, bytes, nothing)
    return [route for router in routers for route in router.routes if isinstance(route, APIRoute)]


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_a_call_is_answered_by_a_route_with_its_model(make: Any) -> None:
    call = sample(make)
    scope = {"type": "http", "method": call.method, "path": call.path, "root_path": ""}
    route = next(one for one in routes(call.service) if one.matches(scope)[0] is Match.FULL)
    model = route.responses[200]["model"] if route.response_model is None else route.response_model
    assert call.returns in (model, *get_args(model))
