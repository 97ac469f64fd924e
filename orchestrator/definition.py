"""One workflow as found: its function, and the input model its annotation names."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError

from contracts.events import Reason
from contracts.refusal import Refused, explain
from orchestrator.registry import WorkflowTag


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

    @cached_property
    def _adapter(self) -> TypeAdapter[Any]:
        if not self.takes_input:
            return TypeAdapter(None)
        parameter = list(inspect.signature(self.function).parameters)[1]
        return TypeAdapter(get_type_hints(self.function, include_extras=True)[parameter])

    def input_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the input."""
        return self._adapter.json_schema()

    def parse(self, value: Any) -> Any:
        """Return `value` as the input the workflow asks for; no input means all defaults.

        Raise `Refused(invalid_input)` that names the field; a field the model does not know is
        at fault too, since a typo would otherwise pass for a default.
        """
        try:
            return self._adapter.validate_python(value, extra="forbid")
        except ValidationError as error:
            if value is None:
                return self._defaults(error)
            raise _refused(error, value) from error

    def _defaults(self, without: ValidationError) -> Any:
        try:
            return self._adapter.validate_python({}, extra="forbid")
        except ValidationError as error:
            missing = any(detail["type"] == "missing" for detail in error.errors())
            raise _refused(error if missing else without, {}) from error


def _refused(error: ValidationError, value: Any) -> Refused:
    field, message = explain(error, value, root="input")
    return Refused(Reason.INVALID_INPUT, message, field)
