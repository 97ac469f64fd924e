"""Serializes the values that go into the engine, and limits their size."""

import json
from types import SimpleNamespace
from typing import Any

from pydantic_core import PydanticSerializationError, to_json

MAX_PAYLOAD_BYTES = 2_000_000
"""The largest input of an activity, a child or a start, in bytes as the SDK sends it.

An activity's input goes through the scheduler, whose etcd client refuses a request of more than
2,097,152 bytes. daprd then retries each second, for ever. Measured: 2,096,002 bytes pass, and daprd
adds 522. The rest is room for long ids and names. The engine takes more for children and starts,
but they pass their input on, so they have the same limit.
"""

MAX_RESULT_BYTES = 3_500_000
"""The largest result of an activity or a workflow, in bytes as the SDK sends it.

It fits into the 4 MiB message that a sidecar accepts by default, with room for the rest of the
message. Usher's sidecars accept 16 MiB, and a history of 16 MiB: one result must not fill it.
"""

MAX_TURN_BYTES = 14_000_000
"""The most that a workflow may schedule before it waits. It goes into one message, and a sidecar
started as in this repository accepts 16 MiB."""


class PayloadTooLarge(ValueError):
    """A value is too large for the engine. Raised in the author's code, which may catch it."""


def as_json(value: Any) -> Any:
    """Return a value as plain JSON, with aliases. Raises if JSON cannot represent the value."""
    return json.loads(to_json(value, by_alias=True, inf_nan_mode="null", fallback=_unknown))


def payload_bytes(value: Any) -> int:
    """Return the size of a value as the SDK sends it: characters beyond ASCII are escaped."""
    return len(json.dumps(as_json(value)))


def fitted(value: Any, what: str, limit: int = MAX_PAYLOAD_BYTES) -> tuple[Any, int]:
    """Return a value as plain JSON, and its size in bytes. Raises `PayloadTooLarge`."""
    plain = as_json(value)
    size = len(json.dumps(plain))
    if size > limit:
        raise PayloadTooLarge(
            f"{what} is {size:,} bytes as JSON, and the limit is {limit:,}: "
            "store it elsewhere and pass a reference to it"
        )
    return plain, size


def _unknown(value: Any) -> Any:
    """Convert a value that Pydantic does not know as the SDK does."""
    if isinstance(value, SimpleNamespace):  # a dataclass in a history older than this serializer
        return vars(value)
    if callable(getattr(type(value), "model_dump", None)):
        return value.model_dump()
    raise PydanticSerializationError(f"Unable to serialize unknown type: {type(value).__name__}")
