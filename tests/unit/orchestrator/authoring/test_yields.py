"""A `yield` that waits for nothing is refused at start-up; what may be a task is left alone."""

import ast
import textwrap
from pathlib import Path

import pytest

from orchestrator.authoring.source import Source
from orchestrator.authoring.yields import yields_no_task

TOP = """\
from dapr.ext.workflow import when_all
from elsewhere import their_steps

def batches(items):
    for item in items:
        yield [item]

def steps(ctx):
    yield ctx.create_timer(1)
    yield

def task_of(ctx):
    return ctx.create_timer(1)

def wf(ctx, input):
"""


def found(body: str) -> list[str]:
    source = Source(Path("wf.py"), ast.parse(TOP + textwrap.indent(body, "    ")))
    return [fault.message for fault in yields_no_task(source, source.functions["wf"])]


@pytest.mark.parametrize(
    ("body", "instead"),
    [
        ("yield", "bare `yield`"),
        ("x = yield", "bare `yield`"),
        ("yield None", "bare `yield`"),
        ("yield [ctx.call_activity(a)]", "when_all"),
        ("yield ctx.call_activity(a), ctx.call_activity(b)", "when_all"),
        ("yield [ctx.call_activity(a, input=i) for i in input]", "when_all"),
        ("yield {1: ctx.call_activity(a)}", "when_all"),
        ("yield (ctx.call_activity(a) for a in input)", "yield from"),
        ("yield steps(ctx)", "yield from"),
        ("yield 5", "no task"),
        ("yield f'{input}'", "no task"),
        ("yield input + 1", "no task"),
        ("yield ctx.call_activity", "call_activity"),
        ("yield from ctx.call_activity(a)", "write `yield`"),
        ("yield from when_all([ctx.call_activity(a)])", "write `yield`"),
        ("yield from steps(ctx)", "which it delegates to"),
        ("try:\n    yield\nfinally:\n    pass", "bare `yield`"),
        ("for i in input:\n    yield", "bare `yield`"),
    ],
)
def test_what_waits_for_nothing_is_found(body: str, instead: str) -> None:
    (said,) = found(body)
    assert instead in said


@pytest.mark.parametrize(
    "body",
    [
        "yield ctx.call_activity(a)",
        "yield when_all([ctx.call_activity(a)])",
        "yield task_of(ctx)",
        "yield their_steps(ctx)",
        "yield from their_steps(ctx)",
        "yield tasks[0]",
        "yield input.task",
        "yield ctx.call_activity(a) if input else ctx.create_timer(1)",
        "yield tasks.pop() or task_of(ctx)",
        "yield (task := ctx.create_timer(1))",
        "for batch in batches(input):\n    yield when_all([task_of(ctx) for _ in batch])",
        "def numbers():\n    yield 1\nyield ctx.create_timer(sum(numbers()))",
        "return 5\nyield",
        "if False:\n    yield\nreturn 5",
        "raise ValueError\nyield",
    ],
)
def test_what_may_be_a_task_is_left_alone(body: str) -> None:
    assert found(body) == []
