"""The definition of one workflow: its function, its input model, and the check of an input."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from contracts.authoring import WorkflowTag
from contracts.events import Reason
from contracts.refusal import Refused, explain
from orchestrator.runs.input_type import InputType
from orchestrator.runs.payload import MAX_PAYLOAD_BYTES, payload_bytes


@dataclass(frozen=True)
class Definition:
    """A workflow that can be started by name."""

    function: Callable[..., Any]
    tag: WorkflowTag
    file: Path

    @property
    def name(self) -> str:
        return self.function.__name__

    @property
    def description(self) -> str:
        return inspect.getdoc(self.function) or ""

    @property
    def takes_input(self) -> bool:
        return len(inspect.signature(self.function).parameters) > 1

    @property
    def parameter(self) -> str:
        """Name of the input parameter."""
        return list(inspect.signature(self.function).parameters)[1]

    @property
    def annotation(self) -> Any:
        """Annotation of the input, or `inspect.Parameter.empty`."""
        return inspect.signature(self.function).parameters[self.parameter].annotation

    @cached_property
    def _input(self) -> InputType:
        return InputType(self.function if self.takes_input else _takes_none)

    @cached_property
    def _tolerant(self) -> InputType:
        return InputType(self.function, closed=False) if self.takes_input else self._input

    def input_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the inputs that `parse` accepts."""
        return self._input.json_schema()

    def as_json(self, parsed: Any) -> bytes:
        """Return a parsed input as JSON."""
        return self._input.dump(parsed)

    def parse(self, value: Any, *, by_name: bool = False, tolerant: bool = False) -> Any:
        """Return `value` as the workflow's input model. None means all defaults.

        Raises `Refused(invalid_input)` that names the wrong field. If the model does not set
        `extra`, an unknown field is wrong, or ignored if `tolerant`.
        """
        try:
            return (self._tolerant if tolerant else self._input).parse(value, by_name=by_name)
        except ValidationError as error:
            field, message = explain(error, {} if value is None else value, root="input")
            raise Refused(Reason.INVALID_INPUT, message, field) from error

    def accept(self, value: Any, *, tolerant: bool = False) -> None:
        """Raise `Refused` where the workflow cannot be started with this input."""
        self.parse(value, tolerant=tolerant)
        if (size := payload_bytes(value)) > MAX_PAYLOAD_BYTES:
            message = (
                f"the input is {size:,} bytes, as what is not ASCII is escaped, and the limit is "
                f"{MAX_PAYLOAD_BYTES:,}: store it elsewhere and pass a reference to it"
            )
            raise Refused(Reason.OVERSIZE, message, "input")


def _takes_none(ctx: Any, input: None) -> None:  # noqa: A002  # the name in refusals and schemas
    """Stands in for the function of a workflow without an input."""
