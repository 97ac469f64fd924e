"""Checks of the instances that the engine holds."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from orchestrator.api.doctor.finding import Finding, warning
from orchestrator.api.views import Instance


def stalls(stalled: Sequence[Instance]) -> Iterator[Finding]:
    """A stalled instance goes on with the code that it was started with, or is ended."""
    for one in stalled:
        why = f" since {one.stalled.since:%Y-%m-%d %H:%M:%S} UTC" if one.stalled else ""
        why += f": {one.stalled.message.rstrip(': ')}" if one.stalled else ""
        right = "deploy the code that it was started with, or terminate it"
        yield warning(f"the instance {one.instance_id}", f"it is STALLED{why}", right, "P6")


def unknowns(kind: str, unknown: Mapping[str, str]) -> Iterator[Finding]:
    """A run whose workflow, or activity, is not here stands still until it is back, or is ended."""
    for name, count in sorted(Counter(unknown.values()).items()):
        first = next(one for one, its in sorted(unknown.items()) if its == name)
        runs = f"{first} and {count - 1} more" if count > 1 else first
        whose = "runs of it" if kind == "workflow" else "runs that called it"
        wrong = f"{whose} stand still, as no file here has it: {runs}"
        right = "deploy the file that has it, or terminate them"
        yield warning(f"the {kind} {name!r}", wrong, right, "P6")
