"""Where APP_API_TOKEN is set, only the sidecar delivers: it shows the token with a delivery."""

import hmac
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import grpc

from chassis.sidecar import TOKEN_HEADER

OPEN = ("/HealthCheck", "/ListTopicSubscriptions", "/ListInputBindings")
"""How the methods end that a sidecar (1.18) calls without the token: they only ask."""
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any] | None"


def guards(token: str) -> list[grpc.aio.ServerInterceptor]:
    """Return the interceptors of a topic server: none without a token."""
    return [_OnlyOurSidecar(token)] if token else []


class _OnlyOurSidecar(grpc.aio.ServerInterceptor):
    def __init__(self, token: str) -> None:
        self._token = token.encode()

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler:
        shown = dict(handler_call_details.invocation_metadata).get(TOKEN_HEADER, "")
        bare = shown if isinstance(shown, bytes) else shown.encode()
        asked = handler_call_details.method
        if asked.endswith(OPEN) or hmac.compare_digest(bare, self._token):
            return await continuation(handler_call_details)
        return grpc.unary_unary_rpc_method_handler(_refuse)


async def _refuse(_: Any, context: grpc.aio.ServicerContext[Any, Any]) -> None:
    await context.abort(grpc.StatusCode.UNAUTHENTICATED, "not our sidecar: APP_API_TOKEN is set")
