"""The base class of messages: frozen, strict, and tolerant of unknown fields."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

from contracts.limits import MAX_NAME_LENGTH

INSTANCE_ID_PATTERN = r"^[A-Za-z0-9_-]{1,128}$"
"""Ids for new instances: 1 to 128 letters, digits, `_` and `-`, which the engine stores safely."""

ADDRESSABLE_ID_PATTERN = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]{1,256}$"
"""Ids that an event or a control may address: any id in the engine, such as `trip-1:0001`."""

InstanceId = Annotated[str, StringConstraints(pattern=INSTANCE_ID_PATTERN)]
AddressableId = Annotated[str, StringConstraints(pattern=ADDRESSABLE_ID_PATTERN)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=128)]
Key = Annotated[str, StringConstraints(min_length=1, max_length=MAX_NAME_LENGTH)]


class Message(BaseModel):
    """A message on a topic. Unknown fields are ignored, so that senders may be newer."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")
