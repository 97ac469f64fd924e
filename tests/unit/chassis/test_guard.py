"""The guard of a topic server: who delivers shows the token; who only asks need not."""

from typing import Any, NamedTuple

import grpc
import pytest

from chassis.guard import guards
from chassis.settings import ServiceSettings
from chassis.sidecar import TOKEN_HEADER, sidecar_http

DELIVERY = "/dapr.proto.runtime.v1.AppCallback/OnTopicEvent"
SERVED: Any = grpc.unary_unary_rpc_method_handler(lambda *_: None)


class Call(NamedTuple):
    """What a server knows of a call before it takes it."""

    method: str
    invocation_metadata: tuple[tuple[str, str | bytes], ...] = ()


async def serve(_: Any) -> Any:
    return SERVED


async def is_served(call: Call) -> bool:
    (guard,) = guards("secret")
    return await guard.intercept_service(serve, call) is SERVED  # type: ignore[arg-type]


@pytest.mark.parametrize("token", ["secret", b"secret"])
async def test_a_delivery_with_the_token_is_served(token: str | bytes) -> None:
    assert await is_served(Call(DELIVERY, ((TOKEN_HEADER, token),)))


@pytest.mark.parametrize("metadata", [(), ((TOKEN_HEADER, "other"),), (("x", "secret"),)])
async def test_a_delivery_without_it_is_refused(metadata: tuple[tuple[str, str], ...]) -> None:
    assert not await is_served(Call(DELIVERY, metadata))


@pytest.mark.parametrize("name", ["AppCallback/ListTopicSubscriptions", "HealthCheck/HealthCheck"])
async def test_a_sidecar_asks_without_a_token(name: str) -> None:
    assert await is_served(Call(f"/dapr.proto.runtime.v1.{name}"))


def test_nothing_is_guarded_and_nothing_shown_where_no_token_is_set() -> None:
    assert guards("") == []
    for token in ("", "secret"):
        settings = ServiceSettings(port=1, dapr_http_port=1, dapr_api_token=token)
        assert sidecar_http(settings, 1).headers.get(TOKEN_HEADER, "") == token
