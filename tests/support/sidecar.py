"""Stands in for the sidecar: hands over an event, fails a call."""

import json
from collections.abc import Mapping
from typing import Any

import grpc
from dapr.ext.grpc import SubscriptionMessage
from dapr.proto.runtime.v1.appcallback_pb2 import TopicEventRequest


class CallFailed(grpc.RpcError):
    """What a call to the sidecar raises."""

    def __init__(self, code: grpc.StatusCode, details: str = "") -> None:
        super().__init__(f"{code.name} {details}")
        self._code = code
        self._details = details

    def code(self) -> grpc.StatusCode:
        return self._code

    def details(self) -> str:
        return self._details


def delivery(
    body: bytes,
    *,
    id: str = "event-1",  # noqa: A002
    source: str = "/test",
    type: str = "com.dapr.event.sent",  # noqa: A002
    content_type: str = "application/json",
    extensions: Mapping[str, Any] | None = None,
) -> SubscriptionMessage:
    """Return an event as the SDK hands it to a subscription."""
    request = TopicEventRequest(
        id=id, source=source, type=type, data=body, data_content_type=content_type
    )
    request.extensions.update(extensions or {})
    return SubscriptionMessage(request)


def raw_delivery(
    body: bytes,
    *,
    id: str = "event-1",  # noqa: A002
    source: str = "/test",
    content_type: str = "application/json",
    extensions: Mapping[str, Any] | None = None,
) -> bytes:
    """Return an event as a raw subscription has it; a `body` of JSON stands there as it is."""
    head = {"id": id, "source": source, "type": "test", "datacontenttype": content_type}
    entry = json.dumps({"specversion": "1.0", **head, **(extensions or {})}).encode()
    return entry[:-1] + b', "data": ' + body + b"}"
