"""Finds calls of activities and child workflows that are not registered."""

import ast
import difflib
import inspect
from collections.abc import Collection, Iterator
from types import ModuleType

from contracts.authoring import ActivityTag, WorkflowTag
from contracts.fault import Fault
from orchestrator.authoring.modules import resolve, tag_of
from orchestrator.authoring.source import Source

_CALLS = {
    "call_activity": ("activity", ActivityTag),
    "call_child_workflow": ("workflow", WorkflowTag),
}


def unknown_callees(
    module: ModuleType, source: Source, activities: Collection[str], workflows: Collection[str]
) -> Iterator[Fault]:
    """Find calls of unregistered functions, except calls of another app (`app_id`)."""
    registered = {"activity": activities, "workflow": workflows}
    for function in (node for node in ast.walk(source.tree) if isinstance(node, ast.FunctionDef)):
        local = _local_names(function)
        for node in ast.walk(function):
            match node:
                case ast.Call(func=ast.Attribute(attr=method), keywords=words) if (
                    method in _CALLS and not any(word.arg == "app_id" for word in words)
                ):
                    kind, tag = _CALLS[method]
                    callee = _callee(node, kind)
                    if callee is None:
                        continue
                    if message := _fault(module, callee, local, kind, tag, registered[kind]):
                        yield source.fault(node, f"`{method}({ast.unparse(callee)})`: {message}")


def _callee(call: ast.Call, kind: str) -> ast.expr | None:
    by_keyword = {word.arg: word.value for word in call.keywords}
    return call.args[0] if call.args else by_keyword.get(kind)


def _fault(
    module: ModuleType,
    callee: ast.expr,
    local: set[str],
    kind: str,
    tag: type,
    registered: Collection[str],
) -> str | None:
    match callee:
        case ast.Constant(value=str(name)) if name not in registered:
            near = difflib.get_close_matches(name, registered, 1)
            hint = (
                f"did you mean {near[0]!r}?"
                if near
                else f"import the file that has it, or {_write(kind)}"
            )
            return f"no {kind} has this name: {hint}"
        case ast.Name(id=name) if name in local:
            return None
        case ast.Name() | ast.Attribute():
            value = resolve(module, callee)
            if inspect.isfunction(value) and not isinstance(tag_of(value), tag):
                return f"this function is no {kind}: {_write(kind)}"
    return None


def _write(kind: str) -> str:
    return f"write `@{kind}{'()' if kind == 'workflow' else ''}` above the function"


def _local_names(function: ast.FunctionDef) -> set[str]:
    """Return the names that a function binds. They hide the same names of its file."""
    found = set()
    for node in ast.walk(function):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                found.add(name)
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                found |= {(one.asname or one.name).partition(".")[0] for one in names}
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) if (
                node is not function
            ):
                found.add(name)
    return found
