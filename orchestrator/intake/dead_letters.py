"""Dead-letters events that cannot be served, and writes that outcome to the ledger."""

from grpc import RpcError

from contracts.events import Reason
from contracts.refusal import Refused
from orchestrator.intake.actions import Refuse
from orchestrator.intake.arrival import Arrival
from orchestrator.ledger.ledger import Ledger
from orchestrator.ledger.records import Disposition, Known
from orchestrator.ledger.store import Busy
from orchestrator.outbox import Outbox
from orchestrator.runs.failures import text_of, type_of, with_type


class DeadLetterWriter:
    """Publishes first and writes second: repeated after a crash, it is the same dead letter."""

    def __init__(self, ledger: Ledger, outbox: Outbox) -> None:
        self._ledger = ledger
        self._outbox = outbox

    async def write(self, arrival: Arrival, refuse: Refuse, known: Known | None = None) -> None:
        """Dead-letter an event. An event without source and id has no entry to write."""
        entry, why = refuse.entry, refuse.why
        letters = entry.letters + 1 if entry else 1
        await self._outbox.dead_letter(arrival.topic, arrival.event, why, letters, arrival.route)
        if refuse.beside:
            await self._ledger.note_other(refuse.beside.key, arrival.digest)
        if entry:
            expired = why.reason is Reason.EXPIRED
            disposition = Disposition.EXPIRED if expired else Disposition.DEAD_LETTERED
            update = {"disposition": disposition, "letters": letters}
            try:
                await self._ledger.settle(entry.model_copy(update=update), known)
            except Refused as other:
                raise Busy(str(other)) from other  # it comes again, and finds the other event


def handler_error(error: Exception) -> Refused:
    """Return the refusal of an event whose handler failed."""
    if isinstance(error, RpcError):
        return Refused(Reason.HANDLER_ERROR, str(error.details()))
    return Refused(Reason.HANDLER_ERROR, with_type(type_of(error), text_of(error)))
