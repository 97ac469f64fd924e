"""Expressions of routes, in CEL: the one module that knows the engine.

An expression that is only a path, such as `data.order_id`, is read in Python: it keeps every
number as it is and takes data of any size.
"""

import math
import re
from datetime import datetime
from functools import cached_property
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from typing import Any

from pydantic_core import CoreSchema, core_schema

from contracts.routes import grammar
from contracts.routes.event_view import EventView, Missing, NotEvaluated, kind_of, walk
from contracts.routes.grammar import Path


def _engine() -> Any:
    """Load the engine without its package, which imports a command line of its own: 28 MB."""
    package = find_spec("cel")
    places = package.submodule_search_locations if package else None
    spec = PathFinder.find_spec("cel.cel", places)
    if spec is None or spec.loader is None:
        import cel

        return cel
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


TYPES_DO_NOT_FIT = "the types do not fit; CEL converts none by itself"
"""How the message of an expression begins that fails whatever the values are."""
_CEL = _engine()
_UNDEFINED = re.compile(r"Undefined variable or function: '(\w+)'")


class Expression:
    """A compiled expression. Raises `ValueError` if the text is none."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.reads = grammar.read(text)
        try:
            self._program = _CEL.compile(text)
        except ValueError as error:
            raise ValueError(f"not CEL: {_first_error(str(error))}") from error

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Expression) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)

    def evaluate(self, view: EventView) -> Any:
        """Return the value for an event, as JSON has it.

        Raises `Missing` if a field is not there, `NotEvaluated` if the expression fails otherwise,
        and `Refused` if the data cannot be read.
        """
        if self.reads.only:
            return walk(view.roots(self.reads), self.reads.only)
        context = view.contexts.get(self.reads.paths)
        part = view.part(self.reads) if context is None or self.reads.single else None
        try:
            if part is not None:
                context = view.contexts[self.reads.paths] = _CEL.Context(part)
            found = self._program.execute(context)
        except KeyError as error:
            raise Missing(
                self._missing(view.part(self.reads), str(error.args[0]).strip("'"))
            ) from error
        except IndexError as error:
            raise Missing(f"element {str(error).rpartition(' ')[2]}") from error
        except Exception as error:
            raise self._failed(view.part(self.reads), error) from error
        except BaseException as error:
            if type(error).__name__ != "PanicException":  # of the engine; not an `Exception`
                raise
            raise NotEvaluated("the CEL engine failed") from error
        return _as_json(found)

    @cached_property
    def _paths(self) -> list[Path]:
        return sorted(self.reads.paths)

    def _missing(self, part: dict[str, Any], name: str) -> str:
        """Return the path of what is missing; the engine names its last step only."""
        for path in self._paths:
            try:
                walk(part, path)
            except Missing as missing:
                if missing.path.endswith(f".{name}"):
                    return missing.path
            except NotEvaluated:
                continue
        return name

    def _failed(self, part: dict[str, Any], error: Exception) -> Exception:
        found = _UNDEFINED.match(str(error))
        if found and found[1] in grammar.ROOTS:
            return Missing(found[1])
        message = str(error).partition(". ")[0].partition(": the operation")[0]
        if found:
            message = f"{found[1]}() does not take this"
        elif message.startswith("No such overload"):
            message = TYPES_DO_NOT_FIT
        seen = ", ".join(_kind_at(part, path) for path in self._paths)
        field = ".".join(self._paths[0]) if self._paths else None
        return NotEvaluated(f"{message} ({seen})" if seen else message, field)

    @classmethod
    def __get_pydantic_core_schema__(cls, *_: Any) -> CoreSchema:
        """Let models have fields of this type: text in JSON."""
        return core_schema.no_info_after_validator_function(
            cls,
            core_schema.str_schema(strict=True, min_length=1),
            serialization=core_schema.plain_serializer_function_ser_schema(lambda one: one.text),
        )


def _first_error(text: str) -> str:
    """Return the first line of what the parser says, without the quoted expression."""
    found = re.search(r"ERROR: <input>:\d+:(\d+): (?:Syntax error: )?([^\n]*)", text)
    if not found:
        return text[:200]
    said = found[2].partition(" expecting ")[0].replace("mismatched input '<EOF>'", "it ends early")
    return f"{said[:200]} at character {found[1]}"


def _kind_at(part: dict[str, Any], path: Path) -> str:
    """Return what is at a path, for a message."""
    try:
        return f"{'.'.join(path)} is {kind_of(walk(part, path))}"
    except (Missing, NotEvaluated) as error:
        return str(error)


def _as_json(value: Any) -> Any:
    """Return a result as JSON data; a timestamp becomes its text."""
    if value is None or isinstance(value, (bool, str, int)):
        return value
    if isinstance(value, dict) and all(isinstance(name, str) for name in value):
        return {name: _as_json(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_as_json(inner) for inner in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        raise NotEvaluated(f"gives {value}, which JSON does not have")
    if isinstance(value, float):
        return value
    raise NotEvaluated(f"gives {kind_of(value)}, which JSON does not have; use string(...)")
