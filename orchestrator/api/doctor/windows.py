"""Checks of the times that must fit into each other."""

from collections.abc import Iterator

from orchestrator.api.doctor.finding import Finding, refusal
from orchestrator.runs.wrapper import LEASE_SECONDS


def windows(ledger_days: float, stream_days: float, call_timeout: float) -> Iterator[Finding]:
    """The ledger outlives the streams; one call is over before the lease it is made under."""
    if ledger_days <= stream_days:
        wrong = f"the ledger forgets after {ledger_days:g} days, streams are kept {stream_days:g}"
        right = "more days than USHER_STREAM_DAYS: an entry may be delivered again while it is kept"
        yield refusal("ORCHESTRATOR_LEDGER_DAYS", wrong, right, "P1, P2")
    if call_timeout >= LEASE_SECONDS:
        wrong = f"one call may take {call_timeout:g} s, the lease of a start is {LEASE_SECONDS} s"
        right = "less than the lease: a call that outlives it may start a second run"
        yield refusal("ORCHESTRATOR_CALL_TIMEOUT_SECONDS", wrong, right, "P1")
