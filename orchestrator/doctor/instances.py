"""Checks of the instances that the engine holds."""

from collections.abc import Iterator, Sequence

from orchestrator.doctor.finding import Finding, warning
from orchestrator.views import Instance


def stalls(stalled: Sequence[Instance]) -> Iterator[Finding]:
    """A stalled instance goes on with the code that it was started with, or is ended."""
    for one in stalled:
        why = f" since {one.stalled.since:%Y-%m-%d %H:%M:%S} UTC" if one.stalled else ""
        why += f": {one.stalled.message}" if one.stalled else ""
        right = "deploy the code that it was started with, or terminate it"
        yield warning(f"the instance {one.instance_id}", f"it is STALLED{why}", right, "P6")
