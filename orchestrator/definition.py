"""One workflow as found: its function, and the input model its annotation names."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

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

    @property
    def parameter(self) -> str:
        """What the author calls the input."""
        return list(inspect.signature(self.function).parameters)[1]

    @property
    def annotation(self) -> Any:
        """What the author says the input is; `inspect.Parameter.empty` where that is nothing."""
        return inspect.signature(self.function).parameters[self.parameter].annotation

    @cached_property
    def _adapter(self) -> TypeAdapter[Any]:
        if not self.takes_input:
            return TypeAdapter(None)
        if self.annotation is inspect.Parameter.empty:
            return TypeAdapter(Any)
        # Only the input's: others may name what is imported for type checkers alone.
        only = SimpleNamespace(__annotations__={"input": self.annotation})
        names = inspect.unwrap(self.function).__globals__
        return TypeAdapter(get_type_hints(only, names, include_extras=True)["input"])

    def input_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the input: as `parse` has it, without unknown fields."""
        return self._adapter.json_schema(schema_generator=_Closed)

    def as_json(self, parsed: Any) -> bytes:
        """Return what `parse` returned as JSON again."""
        return self._adapter.dump_json(parsed)

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


class _Closed(GenerateJsonSchema):
    """Schemas of objects that take their own fields and no others."""

    def model_fields_schema(self, schema: Any) -> JsonSchemaValue:
        return _closed(super().model_fields_schema(schema))

    def dataclass_args_schema(self, schema: Any) -> JsonSchemaValue:
        return _closed(super().dataclass_args_schema(schema))

    def typed_dict_schema(self, schema: Any) -> JsonSchemaValue:
        return _closed(super().typed_dict_schema(schema))


def _closed(schema: JsonSchemaValue) -> JsonSchemaValue:
    return {**schema, "additionalProperties": False}
