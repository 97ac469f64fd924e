"""Dead-letters events that cannot be served, and writes that outcome to the ledger."""

from grpc import RpcError

from contracts.cloudevent import CloudEvent
from contracts.events import Reason
from contracts.refusal import Refused
from orchestrator.ledger.ledger import Ledger
from orchestrator.ledger.records import Disposition, Entry
from orchestrator.outbox import Outbox
from orchestrator.runs.failures import text_of, type_of, with_type


class DeadLetterWriter:
    """Publishes first and writes second: repeated after a crash, it is the same dead letter."""

    def __init__(self, ledger: Ledger, outbox: Outbox) -> None:
        self._ledger = ledger
        self._outbox = outbox

    async def write(self, topic: str, event: CloudEvent, why: Refused, entry: Entry | None) -> None:
        """Dead-letter an event. An event without source and id has no entry to write."""
        letters = entry.letters + 1 if entry else 1
        await self._outbox.dead_letter(topic, event, why, letters)
        if entry:
            expired = why.reason is Reason.EXPIRED
            disposition = Disposition.EXPIRED if expired else Disposition.DEAD_LETTERED
            update = {"disposition": disposition, "letters": letters, "event": None}
            await self._ledger.settle(entry.model_copy(update=update))


def handler_error(error: Exception) -> Refused:
    """Return the refusal of an event whose handler failed."""
    if isinstance(error, RpcError):
        return Refused(Reason.HANDLER_ERROR, str(error.details()))
    return Refused(Reason.HANDLER_ERROR, with_type(type_of(error), text_of(error)))
