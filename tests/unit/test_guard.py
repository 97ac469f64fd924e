"""The guard of a topic server: who delivers shows the token; who only asks need not."""

from typing import Any, NamedTuple

import grpc
import pytest

from notifier import guard as on_threads
from orchestrator import guard as on_a_loop
from orchestrator.guard import HEADER

DELIVERY = "/dapr.proto.runtime.v1.AppCallback/OnTopicEvent"
SERVED: Any = grpc.unary_unary_rpc_method_handler(lambda *_: None)


class Call(NamedTuple):
    """What a server knows of a call before it takes it."""

    method: str
    invocation_metadata: tuple[tuple[str, str | bytes], ...] = ()


async def serve(_: Any) -> Any:
    return SERVED


async def is_served(call: Call) -> bool:
    """Ask both guards, of the orchestrator and of the notifier, which are to say the same."""
    (loop,), (threads,) = on_a_loop.guards("secret"), on_threads.guards("secret")
    found = await loop.intercept_service(serve, call)  # type: ignore[arg-type]
    same = threads.intercept_service(lambda _: SERVED, call)  # type: ignore[arg-type]
    assert (found is SERVED) == (same is SERVED)
    return found is SERVED


@pytest.mark.parametrize("token", ["secret", b"secret"])
async def test_a_delivery_with_the_token_is_served(token: str | bytes) -> None:
    assert await is_served(Call(DELIVERY, ((HEADER, token),)))


@pytest.mark.parametrize("metadata", [(), ((HEADER, "other"),), (("x", "secret"),)])
async def test_a_delivery_without_it_is_refused(metadata: tuple[tuple[str, str], ...]) -> None:
    assert not await is_served(Call(DELIVERY, metadata))


@pytest.mark.parametrize("name", ["AppCallback/ListTopicSubscriptions", "HealthCheck/HealthCheck"])
async def test_a_sidecar_asks_without_a_token(name: str) -> None:
    assert await is_served(Call(f"/dapr.proto.runtime.v1.{name}"))


def test_nothing_is_guarded_and_nothing_shown_where_no_token_is_set() -> None:
    for guard in (on_a_loop, on_threads):
        assert guard.guards("") == []
        assert guard.credentials("") == {}
        assert guard.credentials("secret") == {HEADER: "secret"}
