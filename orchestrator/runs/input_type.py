"""The input type of a workflow or activity: parses JSON, and returns its JSON Schema."""

import inspect
import json
from collections.abc import Callable
from copy import deepcopy
from functools import cached_property
from types import SimpleNamespace
from typing import Annotated, Any, get_type_hints

from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import SchemaValidator

from orchestrator.runs.failures import guarded
from orchestrator.runs.payload import as_json

ABSENT = inspect.Parameter.empty


class InputType:
    """The second parameter of a workflow or activity.

    The author's model decides strictness, aliases, defaults and `extra`. If a model does not set
    `extra`, `closed` refuses unknown fields. Otherwise a typo would silently select a default.
    """

    def __init__(self, function: Callable[..., Any], *, closed: bool = True) -> None:
        self._function = function
        self._closed = closed
        self._parameter = list(inspect.signature(function).parameters.values())[1]

    def parse(self, value: Any, *, by_name: bool = False) -> Any:
        """Return a JSON value as the annotated type. None means the default, if there is one.

        Raise `ValidationError` if the value does not fit, or what the author's validators raise.
        `by_name` accepts field names as well as aliases, because a dump may have either.
        """
        if value is None and self._default is not ABSENT:
            return guarded(deepcopy, self._default)
        if value is None and (default := guarded(self._adapter.get_default_value)) is not None:
            return default.value
        try:
            return self._validated(value, by_name)
        except ValidationError as without:
            if value is not None:
                raise
            try:
                return self._validated({}, by_name)
            except ValidationError as error:
                missing = any(detail["type"] == "missing" for detail in error.errors())
                raise (error if missing else without) from error

    def json_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the values that `parse` accepts."""
        schema = guarded(lambda: _Closed().generate(self._core, mode="validation"))
        if self._default is not ABSENT:
            return {**schema, "default": as_json(self._default)}
        return dict(schema)

    def dump(self, parsed: Any) -> bytes:
        """Return a parsed input as JSON."""
        return self._adapter.dump_json(parsed, by_alias=True)

    def _validated(self, value: Any, by_name: bool) -> Any:
        text = json.dumps(value, default=vars)  # the SDK turns JSON objects into namespaces
        names = by_name or None  # None: as the model says
        return guarded(lambda: self._validator.validate_json(text, by_name=names))

    @property
    def _default(self) -> Any:
        default = self._parameter.default
        return ABSENT if isinstance(default, FieldInfo) else default

    @cached_property
    def _adapter(self) -> TypeAdapter[Any]:
        annotation, default = self._parameter.annotation, self._parameter.default
        if annotation is ABSENT:
            return TypeAdapter(Any)
        # Only the input's annotation: others may use names that only type checkers import.
        only = SimpleNamespace(__annotations__={"input": annotation})
        names = inspect.unwrap(self._function).__globals__
        hint = get_type_hints(only, names, include_extras=True)["input"]
        return TypeAdapter(Annotated[hint, default] if isinstance(default, FieldInfo) else hint)

    @cached_property
    def _core(self) -> Any:
        core = self._adapter.core_schema
        return _forbidding(core) if self._closed else core

    @cached_property
    def _validator(self) -> SchemaValidator:
        # A prebuilt validator is the model's own, which ignores unknown fields.
        return SchemaValidator(self._core, _use_prebuilt=False)


def _forbidding(schema: Any) -> Any:
    """Return the core schema with `extra="forbid"` in each model that does not set `extra`."""
    if isinstance(schema, list | tuple):
        return type(schema)(map(_forbidding, schema))
    if not isinstance(schema, dict):
        return schema
    kind = schema.get("type")
    if not isinstance(kind, str):  # fields by their names
        return {name: _forbidding(inner) for name, inner in schema.items()}
    kept = {"config", "default", "expected", "metadata"}
    found = {k: v if k in kept else _forbidding(v) for k, v in schema.items()}
    config = schema.get("config") or {}
    has_fields = kind in {"model", "dataclass", "typed-dict"} and not schema.get("root_model")
    if has_fields and "extra_fields_behavior" not in config:
        found["config"] = {**config, "extra_fields_behavior": "forbid"}
        if kind == "typed-dict":
            found["extra_behavior"] = "forbid"
    return found


class _Closed(GenerateJsonSchema):
    """Generates schemas that say which models refuse unknown fields."""

    def model_schema(self, schema: Any) -> JsonSchemaValue:
        return _closed_where(schema, super().model_schema(schema))

    def dataclass_schema(self, schema: Any) -> JsonSchemaValue:
        return _closed_where(schema, super().dataclass_schema(schema))

    def typed_dict_schema(self, schema: Any) -> JsonSchemaValue:
        return _closed_where(schema, super().typed_dict_schema(schema))


def _closed_where(schema: Any, shown: JsonSchemaValue) -> JsonSchemaValue:
    extra = (schema.get("config") or {}).get("extra_fields_behavior")
    return {"additionalProperties": False, **shown} if extra == "forbid" else shown
