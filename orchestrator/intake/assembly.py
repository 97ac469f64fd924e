"""The parts that decide about events and serve them, put together."""

from dataclasses import dataclass
from datetime import timedelta

from orchestrator.authoring.catalogue import Catalogue
from orchestrator.engine.client import Engine
from orchestrator.intake.activation import Activation
from orchestrator.intake.control import Controller
from orchestrator.intake.dead_letters import DeadLetterWriter
from orchestrator.intake.dispatcher import Dispatcher
from orchestrator.intake.event_delivery import EventDelivery
from orchestrator.intake.fact_reader import FactReader
from orchestrator.intake.held_starts import HeldStarts
from orchestrator.intake.parking import Parking
from orchestrator.intake.routed_workflows import RoutedWorkflows
from orchestrator.ledger.latest_runs import LatestRuns
from orchestrator.ledger.ledger import Ledger
from orchestrator.ledger.store import RecordStore
from orchestrator.outbox import Outbox
from orchestrator.runs.announcer import Announcer


@dataclass(frozen=True)
class Intake:
    """What the rest of the orchestrator uses of these parts."""

    facts: FactReader
    parking: Parking
    held_starts: HeldStarts
    dispatcher: Dispatcher
    routed_workflows: RoutedWorkflows


def assemble(
    store: RecordStore,
    ledger: Ledger,
    engine: Engine,
    outbox: Outbox,
    announcer: Announcer,
    catalogue: Catalogue,
    parked_for: timedelta,
) -> Intake:
    """Return an intake for the workflows and routes of a catalogue."""
    dead_letters = DeadLetterWriter(ledger, outbox)
    latest = LatestRuns(store, ledger)
    parking = Parking(store, ledger, latest, engine, dead_letters)
    routed = RoutedWorkflows(catalogue.routes)
    facts = FactReader(catalogue.workflows, engine, ledger, store, parked_for, latest, routed.again)
    held = HeldStarts(store, ledger, parking)
    activation = Activation(
        engine, ledger, parking, held, latest, facts, catalogue.code, routed.cancelled_early
    )
    dispatcher = Dispatcher(
        facts,
        ledger,
        activation,
        EventDelivery(engine, ledger, catalogue),
        parking,
        held,
        Controller(engine, announcer),
        dead_letters,
    )
    return Intake(facts, parking, held, dispatcher, routed)
