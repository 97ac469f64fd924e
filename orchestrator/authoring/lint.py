"""Reads a workflow's own code for the traps that bite: what would not be the same on replay."""

import ast
from collections.abc import Iterator

from orchestrator.authoring.source import Function, Names, Source, dotted
from orchestrator.authoring.traps import trap

_NOTHING_TO_WAIT_FOR = {"continue_as_new": ", and `return` after it", "set_custom_status": ""}

Finding = tuple[int, str]
"""Line, and what is wrong there."""


def lint(source: Source, workflow: Function) -> Iterator[Finding]:
    """Find traps in a workflow, and in the functions of its file that it calls."""
    seen = {workflow}
    todo = [workflow]
    while todo:
        function = todo.pop(0)
        names = source.within(function)
        whose = "" if function is workflow else f" (in `{function.name}`, which it calls)"
        for node in replayed(function.body):
            for line, said in _findings(node, names):
                yield line, f"{said}{whose}"
            called = _helper(node, source, names)
            if called and called not in seen:
                seen.add(called)
                todo.append(called)


def replayed(nodes: list[ast.stmt]) -> Iterator[ast.AST]:
    """Walk all that runs again on replay: not what `if not ctx.is_replaying:` guards."""
    todo: list[ast.AST] = [*reversed(nodes)]
    while todo:
        node = todo.pop()
        yield node
        inner = [*ast.iter_child_nodes(node)]
        if isinstance(node, ast.If) and _first_time_only(node.test):
            inner = [*node.orelse]
        todo.extend(reversed(inner))


def tagged(function: Function, names: Names, tag: str) -> bool:
    """Tell whether a function carries one of the authors' decorators."""
    places = {f"{module}.{tag}" for module in ("usher", "orchestrator.registry")}
    for decorator in function.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        if dotted(called, names) in places:
            return True
    return False


def _findings(node: ast.AST, names: Names) -> Iterator[Finding]:
    match node:
        case ast.Name(ctx=ast.Load()) | ast.Attribute(ctx=ast.Load()) | ast.Call():
            path = dotted(node, names)
            said = trap(path) if path else None
            if said:
                yield node.lineno, f"`{ast.unparse(node)}` {said}"
        case ast.Yield(value=value) | ast.YieldFrom(value=value) | ast.Await(value=value):
            match value:
                case ast.Call(func=ast.Attribute(attr=method)) if method in _NOTHING_TO_WAIT_FOR:
                    then = _NOTHING_TO_WAIT_FOR[method]
                    said = f"`{method}` returns nothing to wait for: write it without `yield`{then}"
                    yield node.lineno, said


def _helper(node: ast.AST, source: Source, names: Names) -> Function | None:
    """Return the function of the same file that is called here, unless it is tagged."""
    match node:
        case ast.Call(func=ast.Name(id=name)) if names.get(name, "") is None:
            helper = source.functions.get(name)
            if helper and not any(
                tagged(helper, source.names, t) for t in ("activity", "workflow")
            ):
                return helper
    return None


def _first_time_only(test: ast.expr) -> bool:
    match test:
        case ast.UnaryOp(op=ast.Not(), operand=ast.Attribute(attr="is_replaying")):
            return True
        case ast.BoolOp(op=ast.And(), values=values):
            return any(map(_first_time_only, values))
    return False
