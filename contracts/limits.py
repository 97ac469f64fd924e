"""Size limits on what comes in and is kept. Each is checked before anything is parsed."""

import sys

ANY_SIZE = sys.maxsize
"""No limit, for events that were accepted before."""

MAX_DATA_BYTES = 1024 * 1024
"""The largest data of an event that is served. More would not fit into a workflow's history."""

MAX_ENTRY_BYTES = 2 * 1024 * 1024
"""The largest entry that is parsed: data of `MAX_DATA_BYTES` as base64, and attributes."""

MAX_KEPT_BYTES = 4 * 1024 * 1024
"""The largest data that a dead letter keeps whole. Of larger data it keeps the first bytes."""

KEPT_OF_LARGER = 1024
"""How many bytes a dead letter keeps of data larger than `MAX_KEPT_BYTES`."""

MAX_LETTER_BYTES = 8 * 1024 * 1024
"""The largest entry that is parsed on the notifier's topics. A dead letter may hold data of
`MAX_KEPT_BYTES` as base64, or data of `MAX_DATA_BYTES` twice."""

MAX_BODY_BYTES = MAX_ENTRY_BYTES
"""The largest body of an HTTP request: one event, or a batch."""

INLINE_BYTES = 32 * 1024
"""Larger bodies are read in a thread, so that the event loop serves others meanwhile."""

MAX_MEMBERS = 256
"""The most members of one CloudEvent."""

MAX_NAME_LENGTH = 1024
"""The longest `id` or `source` of an event, in characters."""

MAX_MESSAGE_LENGTH = 2000
"""The longest message of a refusal, in characters. The rest is cut off."""

SEEN_KEPT = 256
"""How many received events a run remembers, also over `continue_as_new` and in its last record."""
