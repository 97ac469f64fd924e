"""What the logs of the stack look like on screen, and `usher up` in the foreground."""

import io
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import pytest
from rich.console import Console

from usher.stack.ownership import owned
from usher.stack.settings import StackSettings
from usher.stack.spec import ProcessSpec
from usher.stack.stack import Stack
from usher.stack.tail import LogReader, last_lines
from usher.stack.wait import wait_until
from usher.terminal.coloured_logs import follow, show

WORK = "import signal, sys; print(sys.argv[1], 'at work', flush=True); signal.pause()"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {WORK}"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "a.log"


def append(log: Path, text: str) -> None:
    with log.open("a") as file:
        file.write(text)


def test_only_whole_lines_are_read_and_only_new_ones(log: Path) -> None:
    append(log, "old\n")
    with LogReader({"a": log}) as reader:
        append(log, "one\nhal")
        assert reader.read() == [("a", "one")]
        append(log, "f\n")
        assert reader.read() == [("a", "half")]


def test_a_log_that_appears_later_is_read_from_its_beginning(log: Path) -> None:
    with LogReader({"a": log}) as reader:
        assert reader.read() == []
        append(log, "one\n")
        assert reader.read() == [("a", "one")]


def test_no_line_is_lost_or_repeated_when_a_log_is_rotated(log: Path) -> None:
    append(log, "old\n")
    with LogReader({"a": log}) as reader:
        append(log, "last\n")
        log.rename(log.with_name("a.log.1"))
        append(log, "first\n")
        append(log, "second\n")
        lines = [line for _ in range(3) for _, line in reader.read()]
    assert lines == ["last", "first", "second"]


def test_a_truncated_log_is_read_from_its_beginning(log: Path) -> None:
    append(log, "a rather long line\n")
    with LogReader({"a": log}) as reader:
        log.write_text("anew\n")
        assert reader.read() == [("a", "anew")]


def test_the_last_lines_reach_back_into_the_rotated_log(log: Path) -> None:
    append(log.with_name("a.log.1"), "one\ntwo\n")
    append(log, "three\n")
    assert last_lines(log, 2) == ["two", "three"]
    assert last_lines(log, 0) == []


def test_a_log_is_shown_as_it_is_and_cannot_steer_the_terminal(tmp_path: Path) -> None:
    stack = Stack(StackSettings(data_dir=tmp_path), [ProcessSpec("a", ("x",))])
    stack.log_path("a").parent.mkdir()
    stack.log_path("a").write_text("[red]no markup[/red] \x1b[2J\x1b[31m:smile:\x07 [/]\n")
    screen = io.StringIO()
    show(stack, Console(file=screen, width=20))
    escaped = r"\u001b[2J\u001b[31m:smile:\u0007"
    assert screen.getvalue() == f"a │ [red]no markup[/red] {escaped} [/]\n"


def test_following_the_logs_of_a_stack_that_is_down_ends_with_saying_so(tmp_path: Path) -> None:
    screen = io.StringIO()
    follow(Stack(StackSettings(data_dir=tmp_path), []), Console(file=screen), until=Event())
    assert screen.getvalue() == "the stack is down\n"


@contextmanager
def usher_up(data_dir: Path, code: str) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """`foreground` with two stand-ins in a process of its own, and the file that it prints to."""
    program = f"""
import sys
from pathlib import Path
from rich.console import Console
from usher.terminal.coloured_logs import foreground
from usher.stack.spec import ProcessSpec
from usher.stack.settings import StackSettings
from usher.stack.stack import Stack
specs = [
    ProcessSpec(name, (sys.executable, "-S", "-c", {code!r}, name), stop_seconds=30)
    for name in ("first", "second")
]
foreground(Stack(StackSettings(data_dir=Path({str(data_dir)!r})), specs), Console(width=200))
"""
    screen = data_dir.with_name("screen")
    with screen.open("wb") as output:
        process = subprocess.Popen([sys.executable, "-c", program], stdout=output, stderr=output)
    try:
        yield process, screen
    finally:
        process.kill()
        process.wait()
        Stack(StackSettings(data_dir=data_dir), []).kill()


def shows(screen: Path, *texts: str) -> bool:
    return wait_until(lambda: all(text in screen.read_text() for text in texts), 20)


@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_in_the_foreground_a_death_is_shown_and_an_interrupt_stops_in_order(
    tmp_path: Path, told: signal.Signals
) -> None:
    with usher_up(tmp_path / "stack", WORK) as (process, screen):
        assert shows(screen, "first  │ first at work", "second │ second at work")
        victim = next(p for name, p in owned(tmp_path / "stack") if name == "second")
        os.kill(victim.pid, signal.SIGKILL)
        died = "second died (terminated by SIGKILL). Its last lines:\nsecond │   second at work\n"
        assert shows(screen, died + "second is being started again\n")
        assert wait_until(lambda: screen.read_text().count("second at work") == 3, 20)
        process.send_signal(told)
        assert process.wait(20) == 0
        assert screen.read_text().endswith(
            "second has stopped\nfirst has stopped\nsupervisord has stopped\n"
        )
        assert owned(tmp_path / "stack") == []


def test_a_second_interrupt_kills_and_leaves_nothing(tmp_path: Path) -> None:
    with usher_up(tmp_path / "stack", STUBBORN) as (process, screen):
        assert shows(screen, "first at work", "second at work")
        process.send_signal(signal.SIGINT)
        assert shows(screen, "stopping in order; Ctrl-C again kills")
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert owned(tmp_path / "stack") == []


def test_a_stack_that_is_stopped_elsewhere_ends_the_foreground(tmp_path: Path) -> None:
    with usher_up(tmp_path / "stack", WORK) as (process, screen):
        assert shows(screen, "first at work", "second at work")
        Stack(StackSettings(data_dir=tmp_path / "stack"), []).down(lambda _: None)
        assert process.wait(20) == 0
