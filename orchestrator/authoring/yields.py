"""Finds each `yield` in a workflow that yields no task, so that the run could not wait for it."""

import ast
from collections.abc import Iterable, Iterator

from contracts.fault import Fault
from orchestrator.authoring.source import SCOPES, TASK_METHODS, Function, Names, Source, dotted
from orchestrator.runs.tasks import BARE, GENERATOR, SEVERAL, UNCALLED, VALUE

_SEVERAL = (ast.List, ast.Tuple, ast.Set, ast.Dict, ast.ListComp, ast.SetComp, ast.DictComp)
_VALUES = (ast.Constant, ast.JoinedStr, ast.Compare, ast.BinOp)
_JUMPS = (ast.Return, ast.Raise, ast.Continue, ast.Break)
_WHEN = {"dapr.ext.workflow.when_all", "dapr.ext.workflow.when_any"}


def yields_no_task(source: Source, workflow: Function) -> Iterator[Fault]:
    """Find yields of no task in a workflow, and in functions of its file that it delegates to."""
    reached = [workflow]
    for function in reached:  # grows while it is walked
        names = source.within(function)
        place = "" if function is workflow else f" (in `{function.name}`, which it delegates to)"
        for node in _reachable(function.body):
            if isinstance(node, ast.Yield) and (message := _fault(node.value, source, names)):
                yield source.fault(node, f"{message}{place}")
            if isinstance(node, ast.YieldFrom):
                if message := _delegates_to_task(node.value, names):
                    yield source.fault(node, f"{message}{place}")
                called = _called(node.value, source, names)
                if called and called not in reached:
                    reached.append(called)


def _fault(value: ast.expr | None, source: Source, names: Names) -> str | None:
    match value:
        case None | ast.Constant(value=None):
            return BARE
        case ast.GeneratorExp():
            return GENERATOR
        case ast.Attribute(attr=method) if method in TASK_METHODS:
            return UNCALLED.format(name=method)
    if isinstance(value, _SEVERAL):
        kind = type(value).__name__.removesuffix("Comp").lower()
        return SEVERAL.format(kind=kind)
    if isinstance(value, _VALUES):
        return VALUE.format(kind="value")
    called = _called(value, source, names)
    if called and any(isinstance(n, ast.Yield | ast.YieldFrom) for n in _reachable(called.body)):
        return GENERATOR
    return None


def _delegates_to_task(value: ast.expr, names: Names) -> str | None:
    match value:
        case ast.Call(func=ast.Attribute(attr=method)) if method in TASK_METHODS:
            return f"`yield from` takes a generator, and `{method}` returns a task: write `yield`"
        case ast.Call(func=called) if dotted(called, names) in _WHEN:
            name = ast.unparse(called)
            return f"`yield from` takes a generator, and `{name}` returns a task: write `yield`"
    return None


def _called(value: ast.expr | None, source: Source, names: Names) -> Function | None:
    """Return the function of the same file that `value` calls."""
    match value:
        case ast.Call(func=ast.Name(id=name)) if names.get(name, "") is None:
            return source.functions.get(name)
    return None


def _reachable(body: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Walk the code of a function that can run: not after `return`, and not in `if False`."""
    for node in body:
        yield node
        if not isinstance(node, SCOPES):
            for name, part in ast.iter_fields(node):
                if name == "body" and isinstance(node, ast.If | ast.While) and _is_false(node.test):
                    continue
                inner = part if isinstance(part, list) else [part]
                yield from _reachable(one for one in inner if isinstance(one, ast.AST))
        if isinstance(node, _JUMPS):
            return


def _is_false(test: ast.expr) -> bool:
    return isinstance(test, ast.Constant) and not test.value
