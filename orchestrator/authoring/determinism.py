"""Finds code in a workflow that differs on replay, or that is probably a mistake.

`lint` finds what no workflow may do: read something that differs on replay, or do something twice.
Its rules are few and precise, so that they refuse no code that works. Activities may call anything.
`likely_mistakes` finds code that works but is rarely intended. It becomes warnings at start-up.
"""

import ast
import re
from collections.abc import Iterator

from contracts.fault import Fault
from orchestrator.authoring.source import TASK_METHODS, Function, Names, Source, dotted

_ACTIVITY = "in an activity: `yield ctx.call_activity(...)`"

_FORBIDDEN: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile("|".join(paths)), message)
    for paths, message in (
        (
            (
                r"datetime\.datetime\.(now|utcnow|today)",
                r"datetime\.date\.today",
                r"time\.(time|monotonic|perf_counter|process_time)(_ns)?",
                r"time\.(localtime|gmtime|ctime|asctime)\(\)",
            ),
            "shows another time on replay: write `ctx.current_utc_datetime`",
        ),
        (
            (r"time\.sleep", r"asyncio\.sleep"),
            "sleeps on every replay, and a restart forgets it: write "
            "`yield ctx.create_timer(timedelta(...))`",
        ),
        (
            (
                r"random\.[a-z]\w*",  # not `random.Random(seed)`, which repeats on replay
                r"random\.Random\(\)",
                r"random\.SystemRandom",
                r"secrets\.(?!compare_digest)\w+",
                r"os\.(urandom|getrandom)",
            ),
            f"differs on replay: write `ctx.random()`, or draw it {_ACTIVITY}",
        ),
        (
            (r"uuid\.uuid[1467]",),
            "differs on replay: write `ctx.new_guid()`",
        ),
        (
            (
                r"open",
                r"io\.open",
                r"pathlib\.Path\(.*?\)\.(read_text|read_bytes|write_text|write_bytes|open)",
                r"(requests|httpx)\.(request|get|head|options|post|put|patch|delete|stream)",
                r"(requests\.Session|httpx\.(Async)?Client)",
                r"urllib\.request\.url(open|retrieve)",
                r"subprocess\.(run|call|check_call|check_output|Popen)",
                r"os\.(system|popen)",
                r"socket\.(socket|create_connection)",
                r"dapr\.(aio\.)?clients\.DaprClient",
            ),
            f"is done again on every replay, and may answer otherwise: do it {_ACTIVITY}",
        ),
    )
)

_RETURNS_NO_TASK = {"continue_as_new": ", and `return` after it", "set_custom_status": ""}


def lint(source: Source, workflow: Function) -> Iterator[Fault]:
    """Find forbidden code in a workflow, and in the functions of its file that it calls."""
    reached = [workflow]
    for function in reached:  # grows while it is walked
        names = source.within(function)
        place = "" if function is workflow else f" (in `{function.name}`, which it calls)"
        for node in _replayed(function.body):
            for where, message in _forbidden(node, names):
                yield source.fault(where, f"{message}{place}")
            called = _helper(node, source, names)
            if called and called not in reached:
                reached.append(called)


def likely_mistakes(source: Source, workflow: Function) -> Iterator[Fault]:
    """Find code that works but is rarely intended."""
    names = source.within(workflow)
    for node in (inner for part in workflow.body for inner in ast.walk(part)):
        match node:
            case ast.Expr(value=ast.Call(func=ast.Attribute(attr=name))) if name in TASK_METHODS:
                yield source.fault(node, f"`{name}` is not waited for: write `yield` before it")
            case ast.Call(func=ast.Name(id=name)) if names.get(name, "") is None:
                called = source.functions.get(name)
                if called and _tagged(called, source.names, "activity"):
                    yield source.fault(
                        node,
                        f"the activity `{name}` is called as a function, so it runs again on "
                        f"every replay: write `yield ctx.call_activity({name}, input=...)`",
                    )


def _replayed(nodes: list[ast.stmt]) -> Iterator[ast.AST]:
    """Walk the code that runs again on replay, so not the code in `if not ctx.is_replaying:`."""
    todo: list[ast.AST] = [*reversed(nodes)]
    while todo:
        node = todo.pop()
        yield node
        inner = [*ast.iter_child_nodes(node)]
        if isinstance(node, ast.If) and _excludes_replay(node.test):
            inner = [*node.orelse]
        todo.extend(reversed(inner))


def _tagged(function: Function, names: Names, tag: str) -> bool:
    """Return whether a function has the decorator `tag` of Usher."""
    places = {f"{module}.{tag}" for module in ("usher", "orchestrator.registry")}
    for decorator in function.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        if dotted(called, names) in places:
            return True
    return False


def _forbidden(node: ast.AST, names: Names) -> Iterator[tuple[ast.expr, str]]:
    match node:
        case ast.Name(ctx=ast.Load()) | ast.Attribute(ctx=ast.Load()) | ast.Call():
            path = dotted(node, names)
            message = _why_forbidden(path) if path else None
            if message:
                yield node, f"`{ast.unparse(node)}` {message}"
        case ast.Yield(value=value) | ast.YieldFrom(value=value) | ast.Await(value=value):
            match value:
                case ast.Call(func=ast.Attribute(attr=method)) if method in _RETURNS_NO_TASK:
                    message = f"`{method}` returns nothing to wait for: write it without `yield`"
                    yield node, f"{message}{_RETURNS_NO_TASK[method]}"


def _helper(node: ast.AST, source: Source, names: Names) -> Function | None:
    """Return the function of the same file that `node` calls, unless Usher decorates it."""
    match node:
        case ast.Call(func=ast.Name(id=name)) if names.get(name, "") is None:
            helper = source.functions.get(name)
            if helper and not any(
                _tagged(helper, source.names, t) for t in ("activity", "workflow")
            ):
                return helper
    return None


def _excludes_replay(test: ast.expr) -> bool:
    match test:
        case ast.UnaryOp(op=ast.Not(), operand=ast.Attribute(attr="is_replaying")):
            return True
        case ast.BoolOp(op=ast.And(), values=values):
            return any(map(_excludes_replay, values))
    return False


def _why_forbidden(path: str) -> str | None:
    """Return why a workflow may not use `path`, such as `time.time`, or None if it may."""
    return next((message for pattern, message in _FORBIDDEN if pattern.fullmatch(path)), None)
