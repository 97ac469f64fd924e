"""What works and is yet seldom meant: said in the log at start-up, and refused by nobody."""

import ast
from collections.abc import Iterator

from orchestrator.authoring.lint import Finding, tagged
from orchestrator.authoring.source import Function, Source

_TASKS = {"call_activity", "call_child_workflow", "create_timer", "wait_for_external_event"}


def doubts(source: Source, workflow: Function) -> Iterator[Finding]:
    """Find what the author of a workflow may want to look at again."""
    names = source.within(workflow)
    for node in (inner for part in workflow.body for inner in ast.walk(part)):
        match node:
            case ast.Expr(value=ast.Call(func=ast.Attribute(attr=method))) if method in _TASKS:
                yield node.lineno, f"`{method}` is not waited for: write `yield` before it"
            case ast.Call(func=ast.Name(id=name)) if names.get(name, "") is None:
                called = source.functions.get(name)
                if called and tagged(called, source.names, "activity"):
                    yield (
                        node.lineno,
                        f"the activity `{name}` is called as a function, so it runs again on "
                        f"every replay: write `yield ctx.call_activity({name}, input=...)`",
                    )
