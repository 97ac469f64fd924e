"""What goes into the engine: one serializer for all of it, and the largest size that it takes."""

import json
from typing import Any

from pydantic_core import to_json

MAX_PAYLOAD_BYTES = 2_000_000
"""The largest input of an activity, a child or a start, in bytes as the SDK sends it.

The scheduler stores such a call in etcd, whose client refuses a request of more than 2,097,152
bytes; daprd then tries again each second, for ever. The rest is room for what daprd adds.
"""


def as_json(value: Any) -> Any:
    """Return a value as JSON has it, dumped by alias; raise where it is none."""
    return json.loads(to_json(value, by_alias=True, inf_nan_mode="null"))


def payload_bytes(value: Any) -> int:
    """Return the size of a value as the SDK sends it: every character beyond ASCII is escaped."""
    return len(json.dumps(as_json(value)))
