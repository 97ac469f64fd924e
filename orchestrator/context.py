"""The context an author gets: the SDK's own, with the envelope kept out of sight."""

import json
from collections.abc import Generator
from datetime import datetime, timedelta
from typing import Any, cast

from dapr.ext.workflow import DaprWorkflowContext

from orchestrator.envelope import Cause, seal
from orchestrator.payload import as_json
from orchestrator.waits import Waits

Steps = Generator[Any, Any, Any]


class RunContext:
    """Stands before the SDK's context; what it does not change, the SDK's context does."""

    def __init__(self, ctx: DaprWorkflowContext, cause: Cause) -> None:
        self._ctx = ctx
        self._cause = cause
        self.waits = Waits(ctx, cause.seen, cause.received)
        self.continued = False
        self.custom_status: str | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ctx, name)

    @property
    def is_over(self) -> bool:
        """Whether the run has ended in this turn before its author did: it was terminated.

        The SDK, which names nothing public for it, hands over what came after that all the same.
        """
        return bool(self._ctx._is_complete)

    @property
    def has_patches(self) -> bool:
        """Whether the history of the run has patches recorded (`is_patched`)."""
        return bool(self._ctx._history_patches)

    def set_custom_status(self, custom_status: str) -> None:
        if not isinstance(custom_status, str):
            custom_status = json.dumps(as_json(custom_status))
        self.custom_status = custom_status
        self._ctx.set_custom_status(custom_status)

    def wait_for_external_event(
        self, name: str, *, timeout: datetime | timedelta | None = None
    ) -> Any:
        """Wait for an event; the author gets its data, and a repeated event only once."""
        return self.waits.wait(name, timeout)

    def continue_as_new(self, new_input: Any, *, save_events: bool = True) -> None:
        """Start over with a new input; events that wait are kept unless `save_events` is false."""
        received = self.waits.leave() if save_events else ()
        cause = self.carried().model_copy(update={"received": received})
        sealed = seal(cause, as_json(new_input))
        self._ctx.continue_as_new(sealed, save_events=save_events)
        self.continued = True

    def carried(self) -> Cause:
        """Return what started this run, with the events seen by now."""
        return self._cause.model_copy(update={"seen": self.waits.seen, "received": ()})

    def drive(self, author: Steps) -> Steps:
        """Run an author's generator on this context, and return what it returns."""
        try:
            task = next(author)
            while True:
                try:
                    result = yield from self.waits.resolve(task)
                except Exception as error:
                    task = author.throw(error)
                else:
                    task = author.send(result)
        except StopIteration as end:
            return end.value

    def as_sdk_context(self) -> DaprWorkflowContext:
        """Return itself as the type an author's annotation names."""
        return cast(DaprWorkflowContext, self)
