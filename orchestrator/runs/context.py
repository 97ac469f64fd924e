"""The context that an author's workflow gets: the SDK's context, with Usher's checks around it."""

import json
import re
from collections.abc import Callable, Generator
from datetime import datetime, timedelta
from typing import Any, cast

from dapr.ext.workflow import DaprWorkflowContext, RetryPolicy

from contracts import identity
from orchestrator.engine.envelope import Cause, seal
from orchestrator.engine.sdk import is_over, patches_of
from orchestrator.runs.child_workflows import CLAIMED_FIRST, claimed_child
from orchestrator.runs.external_events import ExternalEvents
from orchestrator.runs.failures import guarded
from orchestrator.runs.payload import MAX_TURN_BYTES, PayloadTooLarge, as_json, fitted
from orchestrator.runs.reserved import CLAIM_CHILD
from orchestrator.runs.tasks import RETRY_POLICY, made_by, named, never_retrying, refusal
from orchestrator.runs.turn import stepped

WorkflowGenerator = Generator[Any, Any, Any]
NAME_CHARACTERS = 1_000
"""The longest name of an activity, a child workflow or an app."""
CHILD_ID = r"[A-Za-z0-9_.:-]{1,256}"
"""Ids that an author may give to a child. Unlike ids of starts, they may contain `.` and `:`."""


class RunContext:
    """Wraps the SDK's context. What is not defined here is the SDK's."""

    def __init__(self, ctx: DaprWorkflowContext, cause: Cause, code: str | None = None) -> None:
        self._ctx = ctx
        self._cause = cause
        self._code = code
        self.external_events = ExternalEvents(ctx, cause.seen, cause.received)
        self.continued = False
        self.custom_status: str | None = None
        self._turn_bytes = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ctx, name)

    @property
    def is_over(self) -> bool:
        """Whether the run was terminated in this turn, before its author's code ended.

        The SDK still delivers later events to a terminated run.
        """
        return is_over(self._ctx)

    @property
    def has_patches(self) -> bool:
        """Whether the history of the run has patches by its author (`is_patched`)."""
        return bool(patches_of(self._ctx) - {CLAIMED_FIRST})

    def set_custom_status(self, custom_status: str) -> None:
        """Set the status text that is shown with the run. Raises `PayloadTooLarge`."""
        if not isinstance(custom_status, str):
            custom_status = json.dumps(as_json(custom_status))
        custom_status = custom_status.encode(errors="backslashreplace").decode()
        fitted(custom_status, "the custom status")
        self.custom_status = custom_status
        self._ctx.set_custom_status(custom_status)

    def is_patched(self, patch_name: str) -> bool:
        patch_name.encode()  # raises here, not when the turn ends
        return bool(self._ctx.is_patched(patch_name))

    def call_activity(
        self,
        activity: Callable[..., Any] | str,
        *,
        input: Any = None,  # noqa: A002  # the SDK's name
        retry_policy: RetryPolicy | None = None,
        **options: Any,
    ) -> Any:
        """Schedule an activity. Raises `PayloadTooLarge`."""
        what = f"activity {_name(activity)}"
        _check_names(_name(activity), options.get("app_id"))
        given = self._scheduled(input, f"the input of {what}")
        options["retry_policy"] = never_retrying(retry_policy)
        return self._named(self._ctx.call_activity(activity, input=given, **options), what)

    def call_child_workflow(
        self,
        workflow: Callable[..., Any] | str,
        *,
        input: Any = None,  # noqa: A002  # the SDK's name
        retry_policy: RetryPolicy | None = None,
        **options: Any,
    ) -> Any:
        """Schedule a child workflow. Raises `PayloadTooLarge`."""
        what = f"child workflow {_name(workflow)}"
        _check_names(_name(workflow), options.get("app_id"))
        chosen = options.get("instance_id")
        _check_child_id(chosen, self._ctx.instance_id)
        given = self._scheduled(input, f"the input of {what}")
        options["retry_policy"] = never_retrying(retry_policy)
        of_other_app = options.get("app_id")  # whose ids are not claimed here
        if self._cause.depth and not of_other_app:  # for its completion event
            given = seal(Cause(depth=self._cause.depth), given)

        def schedule() -> Any:
            call = self._ctx.call_child_workflow
            return self._named(call(workflow, input=given, **options), what)

        if chosen is None or of_other_app or not self._ctx.is_patched(CLAIMED_FIRST):
            return schedule()
        ids = {"instance_id": str(chosen), "parent": self._ctx.instance_id}
        claim: Any = self._ctx.call_activity(CLAIM_CHILD, input=ids, retry_policy=RETRY_POLICY)
        return made_by(claimed_child(claim, schedule, what), self)

    def create_timer(self, fire_at: datetime | timedelta) -> Any:
        return made_by(self._ctx.create_timer(fire_at), self)

    def _scheduled(self, value: Any, what: str) -> Any:
        """Return a value as plain JSON. Raises `PayloadTooLarge` above `MAX_TURN_BYTES`."""
        plain, size = fitted(value, what)
        if self._turn_bytes + size > MAX_TURN_BYTES:
            raise PayloadTooLarge(
                f"{what} is {size:,} bytes as JSON, after {self._turn_bytes:,} bytes scheduled "
                f"before; the limit between two yields is {MAX_TURN_BYTES:,}: yield more often"
            )
        self._turn_bytes += size
        return plain

    def _named(self, task: Any, what: str) -> Any:
        return named(made_by(task, self), what)

    def wait_for_external_event(
        self, name: str, *, timeout: datetime | timedelta | None = None
    ) -> Any:
        """Wait for an event. The author gets its data, and gets a repeated event once."""
        return made_by(self.external_events.wait(name, timeout), self)

    def continue_as_new(self, new_input: Any, *, save_events: bool = True) -> None:
        """Start over with a new input. Unread events are kept unless `save_events` is false."""
        received = self.external_events.end() if save_events else ()
        cause = self.current_cause().model_copy(update={"received": received, "code": self._code})
        what = f"the input of continue_as_new, with {len(received)} events received,"
        sealed, _ = fitted(seal(cause, as_json(new_input)), what)
        self._ctx.continue_as_new(sealed, save_events=save_events)
        self.continued = True

    def current_cause(self) -> Cause:
        """Return the cause of this run, with the events it has seen so far."""
        return self._cause.model_copy(update={"seen": self.external_events.seen, "received": ()})

    def drive(self, author: WorkflowGenerator, name: str) -> WorkflowGenerator:
        """Run the generator of the workflow `name`, and return its result.

        Whatever the author's code raises becomes an `Exception`. A `GeneratorExit` at the `yield`
        here comes from the SDK, which drops the turn.
        """
        try:
            stepped(name)
            task = guarded(next, author)
            while True:
                stepped(name)
                if message := refusal(task, self):
                    task = guarded(author.throw, TypeError(message))
                    continue
                if not task.is_complete:
                    self._turn_bytes = 0
                step, given = author.send, None
                try:
                    given = yield from self.external_events.resolve(task)
                except Exception as error:
                    step, given = author.throw, error
                task = guarded(step, given)
        except StopIteration as end:
            return end.value

    def as_sdk_context(self) -> DaprWorkflowContext:
        """Return itself, with the type that authors annotate."""
        return cast(DaprWorkflowContext, self)


def _name(called: Any) -> str:
    return str(called if isinstance(called, str) else getattr(called, "__name__", called))


def _check_names(name: str, app_id: Any) -> None:
    """Refuse a name that is too long. The engine would try to forward it for ever."""
    for what, value in (("name", name), ("app_id", app_id or "")):
        if len(str(value)) > NAME_CHARACTERS:
            shown = str(value)[:40]
            raise ValueError(f"{what} {shown!r}… has more than {NAME_CHARACTERS} characters")


def _check_child_id(instance_id: Any, parent: str) -> None:
    """Refuse an id that no child may have. An id with `||` breaks the engine's list of ids."""
    if instance_id is None:
        return
    wrong = None
    if not re.fullmatch(CHILD_ID, str(instance_id)):
        wrong = "use 1 to 256 letters, digits, `_`, `-`, `.` and `:`"
    elif instance_id == parent:
        wrong = "it is the parent's own: choose another"
    elif instance_id.startswith(f"{identity.OWN_RUN}-"):
        wrong = f"ids that begin with {identity.OWN_RUN}- are Usher's own: choose another"
    if wrong:
        raise ValueError(f"the child's instance_id {str(instance_id)[:80]!r}: {wrong}")
