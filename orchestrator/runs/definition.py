"""One workflow as found: its function, and the input model its annotation names."""

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
        """What the author calls the input."""
        return list(inspect.signature(self.function).parameters)[1]

    @property
    def annotation(self) -> Any:
        """What the author says the input is; `inspect.Parameter.empty` where that is nothing."""
        return inspect.signature(self.function).parameters[self.parameter].annotation

    @cached_property
    def _input(self) -> InputType:
        return InputType(self.function if self.takes_input else _takes_none)

    def input_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the input, which agrees with `parse`."""
        return self._input.json_schema()

    def as_json(self, parsed: Any) -> bytes:
        """Return what `parse` returned as JSON again."""
        return self._input.dump(parsed)

    def parse(self, value: Any, *, by_name: bool = False) -> Any:
        """Return `value` as the input the workflow asks for; no input means all defaults.

        Raise `Refused(invalid_input)` that names the field; a field the model does not know is
        at fault too, unless the model says otherwise.
        """
        try:
            return self._input.parse(value, by_name=by_name)
        except ValidationError as error:
            field, message = explain(error, {} if value is None else value, root="input")
            raise Refused(Reason.INVALID_INPUT, message, field) from error


def _takes_none(ctx: Any, input: None) -> None:  # noqa: A002  # what refusals and schemas name
    """Stand for a workflow without an input."""
