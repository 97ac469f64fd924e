"""The source of a workflow file: its functions, and what its names refer to."""

import ast
import builtins
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from contracts.fault import Fault

Function = ast.FunctionDef | ast.AsyncFunctionDef
Names = Mapping[str, str | None]
"""By name, the dotted path that it was imported from, or None if the file defines it."""

SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
TASK_METHODS = {"call_activity", "call_child_workflow", "create_timer", "wait_for_external_event"}
"""Methods of the workflow context that return a task. A workflow must yield the task."""


@dataclass(frozen=True)
class Source:
    """A file and its syntax tree."""

    file: Path
    tree: ast.Module

    def fault(self, node: ast.expr | ast.stmt, message: str) -> Fault:
        """Return a fault at the line of `node`."""
        return Fault(self.file, message, node.lineno)

    @cached_property
    def names(self) -> Names:
        """What the names of the file refer to, with aliases such as `now = datetime.now`."""
        found: dict[str, str | None] = {}
        aliases = set()
        for node in _shallow(self.tree.body):
            match node:
                case ast.Assign(targets=[ast.Name() as name], value=ast.Name() | ast.Attribute()):
                    found[name.id] = dotted(node.value, found)
                    aliases.add(name)
                case ast.Name() if node in aliases:
                    pass
                case _:
                    found.update(_binds(node))
        return found

    @cached_property
    def functions(self) -> dict[str, Function]:
        """The functions at the top level of the file, by name."""
        return {node.name: node for node in self.tree.body if isinstance(node, Function)}

    def function(self, name: str, line: int) -> Function | None:
        """Return the function of that name that begins, with its decorators, at `line`."""
        for node in ast.walk(self.tree):
            if isinstance(node, Function) and node.name == name:
                lines = [node.lineno, *(one.lineno for one in node.decorator_list)]
                if min(lines) == line:
                    return node
        return None

    def within(self, function: Function) -> Names:
        """Return what names refer to inside a function. Its own names hide those of the file."""
        own: dict[str, str | None] = {}
        for node in (inner for part in (function.args, *function.body) for inner in ast.walk(part)):
            own.update(_binds(node))
        return {**self.names, **own}


def dotted(node: ast.AST, names: Names) -> str | None:
    """Return the path that a name or attribute refers to: `datetime.datetime.now` for `dt.now`.

    A call in it appears as `()`, or as `(...)` if it has arguments. None if the file defines it.
    """
    match node:
        case ast.Name(id=name) if name in names:
            return names[name]
        case ast.Name(id=name):
            return name if hasattr(builtins, name) else None
        case ast.Attribute(value=value, attr=attribute):
            base, suffix = dotted(value, names), f".{attribute}"
        case ast.Call(func=called, args=[], keywords=[]):
            base, suffix = dotted(called, names), "()"
        case ast.Call(func=called):
            base, suffix = dotted(called, names), "(...)"
        case _:
            return None
    return f"{base}{suffix}" if base else None


def _shallow(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Walk statements in order, but do not enter functions and classes."""
    for node in nodes:
        yield node
        if not isinstance(node, SCOPES):
            yield from _shallow(ast.iter_child_nodes(node))


def _binds(node: ast.AST) -> Iterator[tuple[str, str | None]]:
    match node:
        case ast.Import(names=imported):
            for one in imported:
                root = one.name.partition(".")[0]
                yield (one.asname, one.name) if one.asname else (root, root)
        case ast.ImportFrom(module=module, names=imported, level=level):
            for one in imported:
                path = f"{module}.{one.name}" if level == 0 else None
                yield one.asname or one.name, path
        case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
            yield name, None
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name, None
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
            yield name, None
