"""The token guard: if APP_API_TOKEN is set, deliveries must carry it."""

import hmac
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import grpc

from chassis.sidecar import TOKEN_HEADER

OPEN = ("/HealthCheck", "/ListTopicSubscriptions", "/ListInputBindings")
"""Endings of the methods that a sidecar (1.18) calls without the token. They only read."""
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any] | None"


def guards(token: str) -> list[grpc.aio.ServerInterceptor]:
    """Return the interceptors of a topic server; none if `token` is empty."""
    return [_OnlyOurSidecar(token)] if token else []


class _OnlyOurSidecar(grpc.aio.ServerInterceptor):
    def __init__(self, token: str) -> None:
        self._token = token.encode()

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler:
        header = dict(handler_call_details.invocation_metadata).get(TOKEN_HEADER, "")
        token = header if isinstance(header, bytes) else header.encode()
        is_open = handler_call_details.method.endswith(OPEN)
        if is_open or hmac.compare_digest(token, self._token):
            return await continuation(handler_call_details)
        return grpc.unary_unary_rpc_method_handler(_refuse)


async def _refuse(_: Any, context: grpc.aio.ServicerContext[Any, Any]) -> None:
    await context.abort(grpc.StatusCode.UNAUTHENTICATED, "not our sidecar: wrong APP_API_TOKEN")
