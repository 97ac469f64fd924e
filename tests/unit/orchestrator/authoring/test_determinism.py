"""The lint of workflows: it knows the traps under any alias, and leaves alone what works."""

import ast
import textwrap
from pathlib import Path

import pytest

from orchestrator.authoring.determinism import likely_mistakes, lint
from orchestrator.authoring.source import Source

TOP = """\
import asyncio, os, random, secrets, socket, subprocess, time, urllib.request, uuid
import datetime as d
import random as rnd
import time as t
from datetime import date, datetime, timedelta
from datetime import datetime as dt
from pathlib import Path
from random import choice
from time import sleep, time as now
from uuid import uuid4 as new_id, uuid5, NAMESPACE_URL
import httpx, requests
from dapr.clients import DaprClient
from usher import activity, workflow
from elsewhere import time as their_time

clock = dt.now

def open_case(name):
    return name

@activity
def charge(ctx, amount):
    open("receipt").write(str(datetime.now()))

def stamp():
    return helper_of_stamp()

def helper_of_stamp():
    return random.random()

class Thing:
    pass

@workflow()
def wf(ctx, input):
"""
FIRST = TOP.count("\n") + 1
FILE = Path("wf.py")


def found(body: str) -> list[tuple[int, str]]:
    source = Source(FILE, ast.parse(TOP + textwrap.indent(body, "    ")))
    return [(fault.line or 0, fault.message) for fault in lint(source, source.functions["wf"])]


@pytest.mark.parametrize(
    ("line", "instead"),
    [
        ("x = datetime.now()", "ctx.current_utc_datetime"),
        ("x = datetime.now(tz=None)", "ctx.current_utc_datetime"),
        ("x = dt.utcnow()", "ctx.current_utc_datetime"),
        ("x = d.datetime.today()", "ctx.current_utc_datetime"),
        ("x = date.today().isoformat()", "ctx.current_utc_datetime"),
        ("x = time.time()", "ctx.current_utc_datetime"),
        ("x = now()", "ctx.current_utc_datetime"),
        ("x = t.monotonic_ns()", "ctx.current_utc_datetime"),
        ("x = t.gmtime()", "ctx.current_utc_datetime"),
        ("x = clock()", "ctx.current_utc_datetime"),
        ("mine = datetime.now", "ctx.current_utc_datetime"),
        ("sleep(5)", "ctx.create_timer"),
        ("yield time.sleep(5)", "ctx.create_timer"),
        ("x = random.randint(1, 6)", "ctx.random()"),
        ("x = rnd.shuffle(input)", "ctx.random()"),
        ("x = choice(input)", "ctx.random()"),
        ("x = random.Random().random()", "ctx.random()"),
        ("x = sorted(input, key=lambda _: random.random())", "ctx.random()"),
        ("x = [secrets.token_hex(8) for _ in input]", "ctx.random()"),
        ("x = os.urandom(8)", "ctx.random()"),
        ("x = f'order-{uuid.uuid4()}'", "ctx.new_guid()"),
        ("x = new_id().hex", "ctx.new_guid()"),
        ("x = str(uuid.uuid1())", "ctx.new_guid()"),
        ("x = open('file').read()", "ctx.call_activity"),
        ("x = Path('a', 'b').read_text()", "ctx.call_activity"),
        ("x = requests.get('http://x')", "ctx.call_activity"),
        ("x = httpx.post('http://x')", "ctx.call_activity"),
        ("x = urllib.request.urlopen('http://x')", "ctx.call_activity"),
        ("x = subprocess.run(['ls'])", "ctx.call_activity"),
        ("x = DaprClient()", "ctx.call_activity"),
        ("yield ctx.continue_as_new(input)", "without `yield`"),
        ("x = yield ctx.continue_as_new(input, save_events=True)", "without `yield`"),
        ("yield ctx.set_custom_status('waiting')", "without `yield`"),
    ],
)
def test_a_trap_is_found_once_with_its_line_and_what_to_write_instead(
    line: str, instead: str
) -> None:
    ((at, said),) = found(f"yield ctx.create_timer(input)\n{line}\n")
    assert at == FIRST + 1
    assert instead in said


@pytest.mark.parametrize(
    "body",
    [
        "def inner():\n    return time.time()\nyield inner()\n",
        "from time import time as local_now\nyield local_now()\n",
        "import time as clock_module\nyield clock_module.time()\n",
        "with open('file') as file:\n    yield file\n",
        "if ctx.is_replaying:\n    yield time.time()\n",
        "match input:\n    case 1:\n        yield time.time()\n",
        "yield ctx.call_activity('pay', input={'at': time.time()})\n",
    ],
)
def test_a_trap_is_found_wherever_it_hides(body: str) -> None:
    assert len(found(body)) == 1


def test_a_trap_in_a_function_of_the_same_file_is_found_where_it_stands() -> None:
    ((at, said),) = found("x = stamp()\nyield x\n")
    assert at == TOP.splitlines().index("    return random.random()") + 1
    assert "`helper_of_stamp`" in said


def test_all_traps_are_found_at_once() -> None:
    lines = [at for at, _ in found("x = time.time(), uuid.uuid4()\nyield x\ny = datetime.now()\n")]
    assert sorted(lines) == [FIRST, FIRST, FIRST + 2]


@pytest.mark.parametrize(
    "body",
    [
        "x = ctx.current_utc_datetime + timedelta(seconds=input.seconds)",
        "x = ctx.current_utc_datetime.today()",
        "x = datetime.fromisoformat(input).date(), datetime(2030, 1, 1), date(2030, 1, 1)",
        "x = datetime.fromtimestamp(0), dt.strptime(input, '%Y')",
        "x = time.gmtime(0), time.strftime('%Y', input)",
        "x = random.Random(ctx.instance_id).random(), ctx.random().choice([1, 2])",
        "x = uuid5(NAMESPACE_URL, ctx.instance_id), ctx.new_guid(), uuid.UUID(input)",
        "x = Path('a') / 'b', Path('a').name, os.sep, requests.codes.ok, httpx.URL('http://x')",
        "time = ctx.current_utc_datetime\nx = time.time()",
        "for random in input:\n    x = random.random()",
        "x = (lambda secrets: secrets.token_hex())(input)",
        "open = ctx.call_activity\nx = open('door')",
        "x = open_case(input), their_time(), input.open(), input.time.time()",
        "yield ctx.call_activity(charge, input=1)",
        "if not ctx.is_replaying:\n    x = datetime.now()",
        "if input and not ctx.is_replaying:\n    x = time.time()\nelse:\n    x = 1",
        "ctx.continue_as_new(input)\nreturn",
        "ctx.set_custom_status('waiting')",
        "x = 'time.time()'  # datetime.now()",
    ],
)
def test_what_works_is_left_alone(body: str) -> None:
    assert found(f"{body}\nyield ctx.create_timer(input)\n") == []


@pytest.mark.parametrize(
    ("line", "instead"),
    [
        ("ctx.create_timer(input)", "`yield`"),
        ("ctx.call_activity(charge)", "`yield`"),
        ("x = charge(ctx, input)", "yield ctx.call_activity(charge"),
    ],
)
def test_what_is_rarely_intended_is_a_warning_and_no_fault(line: str, instead: str) -> None:
    source = Source(FILE, ast.parse(f"{TOP}    {line}\n    yield ctx.create_timer(input)\n"))
    (warning,) = likely_mistakes(source, source.functions["wf"])
    assert (warning.line, instead in warning.message) == (FIRST, True)
    assert list(lint(source, source.functions["wf"])) == []
