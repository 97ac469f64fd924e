"""supervisord's configuration, read back by supervisord's own parser; and its plugin."""

import shlex
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from supervisor.options import ServerOptions  # type: ignore[import-untyped]

from usher.stack.backoff import LONGEST_SECONDS, _bound
from usher.stack.conf import render
from usher.stack.spec import ProcessSpec

# What a path, a setting or somebody else's program may bring along.
words = st.text(alphabet="ab/ \t\"'\\%(){}$#;=,é-", max_size=12)
values = st.text(alphabet="ab/'\\%(){}$=,é-", max_size=12).map(lambda s: s.strip("'"))


def read_back(spec: ProcessSpec) -> tuple[list[str], dict[str, str]]:
    options = ServerOptions()
    text = render([spec], Path("/tmp/socket")).replace("logs/", "")  # there is no such folder
    options.configroot.supervisord = type("section", (), {})()
    options.environ_expansions = {}
    options.here = "/"
    section = options.read_config(StringIO(text))
    (group,) = section.process_group_configs
    (program,) = group.process_configs
    return shlex.split(program.command), program.environment


@given(argv=st.lists(words, min_size=1, max_size=4))
def test_any_argument_reaches_the_process_as_it_was(argv: list[str]) -> None:
    assert read_back(ProcessSpec("a", ("program", *argv)))[0] == ["program", *argv]


@given(value=values)
def test_any_value_that_is_taken_reaches_the_process_as_it_was(value: str) -> None:
    assert read_back(ProcessSpec("a", ("x",), env={"KEY": value}))[1] == {"KEY": value}


@pytest.mark.parametrize("value", ["two\nlines", 'a "quoted" word', "a #b", "a ;b", "'"])
def test_a_value_that_would_arrive_changed_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="KEY"):
        render([ProcessSpec("a", ("x",), env={"KEY": value})], Path("/tmp/socket"))


def test_an_argument_with_a_line_break_is_refused() -> None:
    with pytest.raises(ValueError, match="line break"):
        render([ProcessSpec("a", ("x", "two\nlines"))], Path("/tmp/socket"))


def test_the_last_to_start_has_the_highest_priority_and_so_is_stopped_first() -> None:
    text = render([ProcessSpec("a", ("x",)), ProcessSpec("b", ("x",))], Path("/tmp/socket"))
    assert text.index("priority=0") < text.index("[program:b]") < text.index("priority=1")


def test_the_wait_for_the_next_try_is_bounded() -> None:
    process = SimpleNamespace(backoff=LONGEST_SECONDS + 100, delay=1e12)
    _bound(SimpleNamespace(process=process))
    assert process.backoff == LONGEST_SECONDS
    assert process.delay < 1e12
