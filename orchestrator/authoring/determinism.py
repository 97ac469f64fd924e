"""What in a workflow's own code would not be the same on replay, or is seldom meant.

`lint` finds what no workflow may do: it would see something else on replay, or do something twice.
It is small on purpose, and precise: what works is not refused. Activities may call anything.
`doubts` finds what works and is seldom meant: said in the log at start-up, and refused by nobody.
"""

import ast
import re
from collections.abc import Iterator

from contracts.fault import Fault
from orchestrator.authoring.source import TASK_METHODS, Function, Names, Source, dotted

_ACTIVITY = "in an activity: `yield ctx.call_activity(...)`"

_TRAPS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile("|".join(paths)), said)
    for paths, said in (
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
                r"random\.[a-z]\w*",  # the functions; `random.Random(ctx.instance_id)` is the same
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

_NOTHING_TO_WAIT_FOR = {"continue_as_new": ", and `return` after it", "set_custom_status": ""}


def lint(source: Source, workflow: Function) -> Iterator[Fault]:
    """Find traps in a workflow, and in the functions of its file that it calls."""
    reached = [workflow]
    for function in reached:  # which grows meanwhile
        names = source.within(function)
        whose = "" if function is workflow else f" (in `{function.name}`, which it calls)"
        for node in _replayed(function.body):
            for where, said in _traps(node, names):
                yield source.fault(where, f"{said}{whose}")
            called = _helper(node, source, names)
            if called and called not in reached:
                reached.append(called)


def doubts(source: Source, workflow: Function) -> Iterator[Fault]:
    """Find what the author of a workflow may want to look at again."""
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
    """Walk all that runs again on replay: not what `if not ctx.is_replaying:` guards."""
    todo: list[ast.AST] = [*reversed(nodes)]
    while todo:
        node = todo.pop()
        yield node
        inner = [*ast.iter_child_nodes(node)]
        if isinstance(node, ast.If) and _first_time_only(node.test):
            inner = [*node.orelse]
        todo.extend(reversed(inner))


def _tagged(function: Function, names: Names, tag: str) -> bool:
    """Tell whether a function carries one of the authors' decorators."""
    places = {f"{module}.{tag}" for module in ("usher", "orchestrator.registry")}
    for decorator in function.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        if dotted(called, names) in places:
            return True
    return False


def _traps(node: ast.AST, names: Names) -> Iterator[tuple[ast.expr, str]]:
    match node:
        case ast.Name(ctx=ast.Load()) | ast.Attribute(ctx=ast.Load()) | ast.Call():
            path = dotted(node, names)
            said = _trap(path) if path else None
            if said:
                yield node, f"`{ast.unparse(node)}` {said}"
        case ast.Yield(value=value) | ast.YieldFrom(value=value) | ast.Await(value=value):
            match value:
                case ast.Call(func=ast.Attribute(attr=method)) if method in _NOTHING_TO_WAIT_FOR:
                    then = _NOTHING_TO_WAIT_FOR[method]
                    said = f"`{method}` returns nothing to wait for: write it without `yield`{then}"
                    yield node, said


def _helper(node: ast.AST, source: Source, names: Names) -> Function | None:
    """Return the function of the same file that is called here, unless it is tagged."""
    match node:
        case ast.Call(func=ast.Name(id=name)) if names.get(name, "") is None:
            helper = source.functions.get(name)
            if helper and not any(
                _tagged(helper, source.names, t) for t in ("activity", "workflow")
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


def _trap(path: str) -> str | None:
    """Return what is wrong with calling `path`, such as `time.time`, or None where nothing is."""
    return next((said for pattern, said in _TRAPS if pattern.fullmatch(path)), None)
