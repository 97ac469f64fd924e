"""Limits on what is taken in and kept. Each size is checked before anything is parsed."""

import sys

ANY_SIZE = sys.maxsize
"""No limit, for what was accepted before."""

MAX_DATA_BYTES = 1024 * 1024
"""The largest data of an event that is served: more would not fit into a workflow's history."""

MAX_ENTRY_BYTES = 2 * 1024 * 1024
"""The largest entry that is parsed: data of `MAX_DATA_BYTES` as base64, and attributes."""

MAX_KEPT_BYTES = 4 * 1024 * 1024
"""The largest data that a dead letter holds as they came. Of more it holds the first bytes."""

KEPT_OF_LARGER = 1024
"""How many bytes a dead letter holds of data that are larger than `MAX_KEPT_BYTES`."""

MAX_LETTER_BYTES = 8 * 1024 * 1024
"""The largest entry that is parsed on the topics to the notifier: a dead letter holds data of
`MAX_KEPT_BYTES` as base64, or data of `MAX_DATA_BYTES` twice."""

MAX_BODY_BYTES = MAX_ENTRY_BYTES
"""The largest body of an HTTP request: one event, or a batch."""

INLINE_BYTES = 32 * 1024
"""What is larger is read in a thread, so that an event loop serves others meanwhile."""

MAX_MEMBERS = 256
"""The most members of one CloudEvent."""

MAX_NAME_LENGTH = 1024
"""The longest `id` or `source` of an event, in characters."""

SAID_LENGTH = 2000
"""The longest message of a refusal, in characters; the rest is cut off."""

SEEN_KEPT = 256
"""How many received events a run remembers, carries over `continue_as_new` and leaves behind."""
