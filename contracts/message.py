"""The base of every message: frozen, strict, and tolerant of fields it does not know."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

INSTANCE_ID_PATTERN = r"^[A-Za-z0-9_-]{1,128}$"
"""Instance ids the engine stores safely: letters, digits, `_` and `-`, 1 to 128 of them."""

ADDRESSABLE_ID_PATTERN = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]{1,256}$"
"""Ids that an event or a control may address: all that the engine has, also `trip-1:0001`."""

InstanceId = Annotated[str, StringConstraints(pattern=INSTANCE_ID_PATTERN)]
AddressableId = Annotated[str, StringConstraints(pattern=ADDRESSABLE_ID_PATTERN)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=128)]


class Message(BaseModel):
    """A message on a topic. Unknown fields are ignored, so that senders may be newer."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")
