"""All checks, over what is seen: at the start, and later for whoever asks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

from orchestrator.api.doctor.finding import Finding
from orchestrator.api.doctor.instances import stalls, unknowns
from orchestrator.api.doctor.sidecar import components, delivery, subscriptions
from orchestrator.api.doctor.versions import versions
from orchestrator.api.doctor.windows import windows
from orchestrator.api.views import Instance
from orchestrator.settings import Settings


class Unfit(Exception):
    """Events served like this would be lost or doubled; the message names what to change."""


@dataclass(frozen=True)
class Seen:
    """What the orchestrator sees."""

    metadata: dict[str, Any]
    settings: Settings
    started: bool = True
    """Before, the sidecar has no subscriptions of ours."""
    stalled: Sequence[Instance] = ()
    """Instances that the engine has stopped."""
    unknown: Mapping[str, str] = field(default_factory=dict)
    """Instances whose workflow is not here, with its name."""
    without_activity: Mapping[str, str] = field(default_factory=dict)
    """Instances that called an activity which is not here, with its name."""


def examine(seen: Seen) -> list[Finding]:
    """Return everything found, refusals first."""
    metadata, settings = seen.metadata, seen.settings
    found = [
        *components(metadata),
        *delivery(metadata),
        *(subscriptions(metadata) if seen.started else ()),
        *versions(str(metadata.get("runtimeVersion") or ""), version("dapr")),
        *stalls(seen.stalled),
        *unknowns("workflow", seen.unknown),
        *unknowns("activity", seen.without_activity),
        *windows(settings.ledger_days, settings.stream_days, settings.call_timeout_seconds),
    ]
    return sorted(found, key=lambda finding: finding.level)


def admit(seen: Seen) -> list[Finding]:
    """Return the warnings; raise `Unfit` for refusals."""
    found = examine(seen)
    refusals = [str(finding) for finding in found if finding.level == "refusal"]
    if refusals:
        raise Unfit("not started, as events would be lost or doubled:\n" + "\n".join(refusals))
    return found
