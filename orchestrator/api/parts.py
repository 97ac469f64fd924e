"""What the HTTP API reads: the parts of the orchestrator, as the service puts them together."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from contracts.finding import Finding
from contracts.large_bodies import LargeBodies
from contracts.served_routes import RouteChanges
from orchestrator.api.accounts import Accountant
from orchestrator.engine.client import Engine
from orchestrator.intake.fact_reader import FactReader
from orchestrator.intake.parking import Parking
from orchestrator.intake.routed_arrivals import Router
from orchestrator.ledger.known_endings import KnownEndings
from orchestrator.ledger.ledger import Ledger
from orchestrator.runs.definition import Definition
from orchestrator.settings import Settings


@dataclass(frozen=True)
class Reads:
    """Only `apply_routes` changes anything."""

    settings: Settings
    workflows: Mapping[str, Definition]
    engine: Engine
    ledger: Ledger
    endings: KnownEndings
    parking: Parking
    accountant: Accountant
    facts: FactReader
    router: Router
    large_bodies: LargeBodies
    findings: Callable[[], Awaitable[list[Finding]]]
    """What would break a promise, as it is seen now."""
    apply_routes: Callable[[], Awaitable[RouteChanges]]
    """Serves the routes that the files have now."""
