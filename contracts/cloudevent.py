"""CloudEvents 1.0, the envelope of everything on a topic, decoded from and encoded to JSON."""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

from contracts import strict_json
from contracts.events import OriginalEvent, Reason
from contracts.limits import (
    KEPT_OF_LARGER,
    MAX_DATA_BYTES,
    MAX_KEPT_BYTES,
    MAX_MEMBERS,
    MAX_NAME_LENGTH,
)
from contracts.refusal import Refused

CONTENT_TYPE = "application/cloudevents+json"
BATCH_CONTENT_TYPE = "application/cloudevents-batch+json"
JSON = "application/json"

ENVELOPE = frozenset(
    ("specversion", "id", "source", "type", "datacontenttype", "data", "data_base64", "data_bytes")
)
"""Standard members of an envelope, and `data_bytes`, which is Usher's, in dead letters."""
ATTRIBUTE = "[a-z0-9]+"
"""The pattern of attribute names in CloudEvents."""
_REQUIRED = ("id", "source", "type")


def is_json(content_type: str) -> bool:
    """Return whether a content type is one of JSON, such as `application/json; charset=utf-8`."""
    kind = content_type.partition(";")[0].strip().lower()
    return kind == JSON or kind.endswith("+json")


class Delivery(Protocol):
    """A message from a Dapr subscription: the shape of the SDK's `SubscriptionMessage`."""

    def id(self) -> str: ...
    def source(self) -> str: ...
    def type(self) -> str: ...
    def data_content_type(self) -> str: ...
    def raw_data(self) -> bytes: ...
    def extensions(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True)
class CloudEvent:
    """One event. `body` is its data as bytes; `attributes` are its optional and extension ones."""

    id: str
    source: str
    type: str
    body: bytes
    datacontenttype: str = JSON
    attributes: Mapping[str, Any] = field(default_factory=dict)
    flaw: Refused | None = field(default=None, compare=False)
    """Why the event cannot be served, although its source and id could be read."""
    memo: dict[str, Any] = field(default_factory=dict, init=False, compare=False, repr=False)
    """Results of parsing the event, so that it is parsed once. A changed copy starts empty."""

    @classmethod
    def received(cls, delivery: Delivery) -> Self:
        """Return the event of a delivery; it may lack id or source (see `identified`)."""
        return cls(
            id=delivery.id(),
            source=delivery.source(),
            type=delivery.type(),
            body=delivery.raw_data(),
            datacontenttype=delivery.data_content_type(),
            attributes=delivery.extensions(),
        )

    @classmethod
    def from_dict(cls, envelope: Any) -> Self:
        """Read the JSON event format. Raise `Refused(invalid_event)`, which names the attribute."""
        if not isinstance(envelope, dict):
            raise Refused(Reason.INVALID_EVENT, "a CloudEvent is a JSON object")
        if envelope.get("specversion") != "1.0":
            raise Refused(Reason.INVALID_EVENT, 'must be "1.0"', "specversion")
        for name in _REQUIRED:
            if not isinstance(envelope.get(name), str) or not envelope[name]:
                raise Refused(Reason.INVALID_EVENT, "must be a non-empty string", name)
        attributes = _attributes(envelope)
        content_type = envelope.get("datacontenttype") or JSON
        if not isinstance(content_type, str):
            message = "must be a string"
            raise Refused(Reason.INVALID_EVENT, message, "datacontenttype")
        return cls(
            id=envelope["id"],
            source=envelope["source"],
            type=envelope["type"],
            body=_body(envelope, content_type),
            datacontenttype=content_type,
            attributes=attributes,
        ).identified()

    @property
    def named(self) -> str:
        """Its id and source, for people."""
        return f"event {self.id!r} from {self.source!r}"

    def identified(self) -> Self:
        """Return self; raise `Refused` if it has a flaw, or lacks id or source."""
        if self.flaw:
            raise self.flaw
        for name in ("id", "source"):
            if not getattr(self, name):
                message = "must be a non-empty string: source and id identify the event"
                raise Refused(Reason.INVALID_EVENT, message, name)
            if len(getattr(self, name)) > MAX_NAME_LENGTH:
                message = f"must be at most {MAX_NAME_LENGTH:,} characters"
                raise Refused(Reason.INVALID_EVENT, message, name)
        return self

    def to_json(self) -> bytes:
        """Encode as the JSON event format: JSON data as JSON, all other data as base64."""
        envelope = {
            **self.attributes,
            "specversion": "1.0",
            "id": self.id,
            "source": self.source,
            "type": self.type,
            "datacontenttype": self.datacontenttype,
        }
        head = json.dumps(envelope)[:-1]
        if is_json(self.datacontenttype):
            return b'%s, "data": %s}' % (head.encode(), self.body or b"null")
        return b'%s, "data_base64": "%s"}' % (head.encode(), base64.b64encode(self.body))

    def original(self, whole: int = MAX_KEPT_BYTES) -> OriginalEvent:
        """Return the event as a dead letter keeps it: data larger than `whole` is cut."""
        attributes = {**self.attributes, "datacontenttype": self.datacontenttype}
        for name in ("id", "source", "type"):
            attributes[name] = getattr(self, name) or None
        found = kept(self.body, whole)
        is_text = isinstance(data := found.get("data"), str) and data.encode() == self.body
        if "data" in found and self.body and is_text == is_json(self.datacontenttype):
            found["data_base64"] = _encoded(self.body)  # read by its type, `data` is other bytes
        return OriginalEvent.model_validate({**attributes, **found})


def _attributes(envelope: Mapping[str, Any]) -> dict[str, Any]:
    """Return the optional and extension attributes. Raises `Refused`."""
    if len(envelope) > MAX_MEMBERS:
        message = f"a CloudEvent has at most {MAX_MEMBERS} members; this one has more"
        raise Refused(Reason.INVALID_EVENT, message)
    attributes = {k: v for k, v in envelope.items() if k not in ENVELOPE and v is not None}
    for name, value in attributes.items():
        if not re.fullmatch(ATTRIBUTE, name):
            message = "attribute names are lower-case letters and digits"
            raise Refused(Reason.INVALID_EVENT, message, name)
        if not isinstance(value, str | int | bool):
            message = "must be a string, an integer or a boolean"
            raise Refused(Reason.INVALID_EVENT, message, name)
    return attributes


def _body(envelope: Mapping[str, Any], content_type: str) -> bytes:
    """Return the data as bytes. Raise `Refused` for what has a type of JSON and is not JSON."""
    if "data_base64" not in envelope:
        data = envelope.get("data")
        is_text = not is_json(content_type) and isinstance(data, str | None)
        return (data or "").encode() if is_text else json.dumps(data).encode()
    try:
        body = base64.b64decode(envelope["data_base64"], validate=True)
    except (TypeError, ValueError) as error:
        message = f"must be base64: {error}"
        raise Refused(Reason.INVALID_EVENT, message, "data_base64") from error
    if body and is_json(content_type):
        strict_json.loads(body)
    return body


def kept(body: bytes, whole: int = MAX_KEPT_BYTES) -> dict[str, Any]:
    """Return the fields in which a dead letter keeps these bytes: `data`, `data_base64`, or both.

    Both, if the JSON has a number that Python would write with another value. Data too large to be
    served is not parsed. Of more than `whole` bytes, only the first are kept, and `data_bytes` is
    their full number.
    """
    if len(body) > whole:
        return {"data_base64": _encoded(body[:KEPT_OF_LARGER]), "data_bytes": len(body)}
    if len(body) > MAX_DATA_BYTES:
        return {"data_base64": _encoded(body)}
    try:
        value = strict_json.loads(body)
        if strict_json.keeps_numbers(body):
            return {"data": value}
        return {"data": value, "data_base64": _encoded(body)}
    except Refused:
        pass
    try:
        return {"data": body.decode()}
    except UnicodeDecodeError:
        return {"data_base64": _encoded(body)}


def _encoded(body: bytes) -> str:
    return base64.b64encode(body).decode()
