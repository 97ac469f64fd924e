"""Somebody who traces, and calls Usher in the middle of it."""

import secrets


class Caller:
    """A trace with one span, as W3C Trace Context passes it on."""

    def __init__(self) -> None:
        self.trace_id = secrets.token_hex(16)
        self.span_id = secrets.token_hex(8)

    @property
    def headers(self) -> dict[str, str]:
        return {"traceparent": f"00-{self.trace_id}-{self.span_id}-01"}
