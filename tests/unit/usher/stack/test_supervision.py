"""The stack's promises about its processes, on a real supervisord with stand-ins for them."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from usher.stack.errors import StackError
from usher.stack.ownership import alive, owned
from usher.stack.secrets import FILE
from usher.stack.servers import data_dirs
from usher.stack.settings import StackSettings
from usher.stack.spec import ProcessSpec
from usher.stack.stack import Stack
from usher.stack.unixsocket import socket_path
from usher.stack.wait import wait_until

SLEEP = "import signal; print('ready for work', flush=True); signal.pause()"

NewStack = Callable[..., Stack]


def python(name: str, code: str = SLEEP, *argv: str, **fields: int | str) -> ProcessSpec:
    line = f"exec({code!r})"  # a program of several lines as an argument of one
    return ProcessSpec(name, (sys.executable, "-S", "-c", line, *argv), **fields)  # type: ignore[arg-type]


def quiet(_: str) -> None:
    """Nobody listens to the reports."""


@pytest.fixture
def new_stack(tmp_path: Path) -> Iterator[NewStack]:
    """A stack of stand-ins on one data folder; whatever a test leaves behind is killed."""
    settings = StackSettings(data_dir=tmp_path / "stack")
    yield lambda *specs, **other: Stack(settings.model_copy(update=other), specs)
    Stack(settings, []).kill()


def running(stack: Stack) -> list[str]:
    return sorted(name for name, _ in owned(stack.settings.data_dir))


def printed(stack: Stack, text: str) -> bool:
    """Whether each process prints `text`, within bounds: until then its Python may be starting."""
    logs = [stack.log_path(name) for name in stack.names()]
    return wait_until(lambda: all(text in log.read_text() for log in logs), 10)


def kill(stack: Stack, name: str) -> int:
    pid = stack.pids()[name]
    os.kill(pid, signal.SIGKILL)
    return pid


def test_a_killed_process_is_back_within_ten_seconds(new_stack: NewStack) -> None:
    stack = new_stack(python("a"), python("b"))
    stack.up(quiet)
    other = stack.pids()["b"]
    for _ in range(2):  # the second time within the seconds that count as a failed start
        dead = kill(stack, "a")
        assert wait_until(lambda dead=dead: stack.pids().get("a", dead) != dead, 10)  # type: ignore[misc]
    assert stack.pids()["b"] == other


def test_one_that_keeps_dying_is_tried_again_after_pauses_and_the_others_stay(
    new_stack: NewStack, tmp_path: Path
) -> None:
    broken, lives = tmp_path / "broken", tmp_path / "lives"
    code = f"""
import pathlib, signal, time
with open({str(lives)!r}, "a") as lives: print(time.monotonic(), file=lives)
if pathlib.Path({str(broken)!r}).exists(): raise SystemExit("worn out")
print("ready for work", flush=True)
signal.pause()
"""
    stack = new_stack(python("a"), python("b", code))
    stack.up(quiet)
    assert printed(stack, "ready for work")
    other = stack.pids()["a"]
    broken.touch()
    kill(stack, "b")
    assert wait_until(lambda: len(lives.read_text().splitlines()) == 2, 10)
    broken.unlink()
    assert wait_until(lambda: len(lives.read_text().splitlines()) == 3, 10)
    second, third = (float(line) for line in lives.read_text().splitlines()[1:])
    assert third - second > 1
    assert stack.pids()["a"] == other
    stack.wait_healthy(10)


def test_what_does_not_get_ready_is_shown_with_its_last_words_and_nothing_stays(
    new_stack: NewStack,
) -> None:
    never = "http://127.0.0.1:27391/readyz"
    broken = python("b", "raise SystemExit('no such workflow: héllo')", ready=never)
    stack = new_stack(python("a"), broken)
    with pytest.raises(StackError, match=r"(?s)^b does not start.*:\nno such workflow: héllo$"):
        stack.up(quiet)
    assert running(stack) == []


def test_a_program_that_is_not_there_is_named(new_stack: NewStack) -> None:
    with pytest.raises(StackError, match=r"a cannot be started.*/no/such/program"):
        new_stack(ProcessSpec("a", ("/no/such/program",))).up(quiet)


def test_processes_stop_in_the_reverse_order_of_their_start(
    new_stack: NewStack, tmp_path: Path
) -> None:
    ends = tmp_path / "ends"
    code = f"""
import signal, sys, time
def end(*_):
    time.sleep(0.2)
    with open({str(ends)!r}, "a") as ends: print(sys.argv[1], file=ends)
    sys.exit()
signal.signal(signal.SIGTERM, end)
print("set", flush=True)
signal.pause()
"""
    stack = new_stack(*(python(name, code, name, tier=n) for n, name in enumerate("abc")))
    stack.up(quiet)
    assert printed(stack, "set")
    said: list[str] = []
    stack.down(said.append)
    assert ends.read_text().split() == ["c", "b", "a"]
    assert said == [f"{name} has stopped" for name in ("c", "b", "a", "supervisord")]
    assert not socket_path(stack.settings.data_dir).parent.exists()
    stack.down(said.append)
    assert said[-1] == "nothing is running"


def test_one_that_ignores_sigterm_is_killed_with_its_children_in_its_time(
    new_stack: NewStack,
) -> None:
    code = """
import signal, subprocess, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = "import signal; print('child', flush=True); signal.pause()"
subprocess.Popen([sys.executable, "-S", "-c", child])
signal.pause()
"""
    stack = new_stack(python("a", code, stop_seconds=1))
    stack.up(quiet)
    assert printed(stack, "child")
    stack.down(quiet)
    assert running(stack) == []


@pytest.mark.parametrize("command", ["down", "up"])
def test_what_a_killed_supervisord_left_behind_is_found(new_stack: NewStack, command: str) -> None:
    stack = new_stack(python("a"), python("b"))
    stack.up(quiet)
    assert printed(stack, "ready for work")
    left = [psutil.Process(pid) for pid in stack.pids().values()]
    assert len(left) == 2
    supervisord = next(process for name, process in owned(stack.settings.data_dir) if not name)
    supervisord.kill()
    assert wait_until(lambda: not stack.is_up(), 10)
    said: list[str] = []
    getattr(stack, command)(said.append)
    assert "b runs without a supervisor: ending it" in said
    assert not any(map(alive, left))
    assert bool(stack.pids()) == (command == "up")


def test_a_stack_whose_data_folder_was_deleted_is_found(new_stack: NewStack) -> None:
    stack = new_stack(python("a"))
    stack.up(quiet)
    stack.settings.data_dir.rename(stack.settings.data_dir.with_name("elsewhere"))
    stack.down(quiet)
    assert running(stack) == []


def test_up_twice_starts_once(new_stack: NewStack) -> None:
    said: list[str] = []
    with ThreadPoolExecutor(2) as both:
        started = list(both.map(lambda _: new_stack(python("a")).up(said.append), range(2)))
    assert sorted(started) == [False, True]
    assert said[-1] == "the stack is up and healthy already"


def test_up_starts_what_was_stopped(new_stack: NewStack) -> None:
    stack = new_stack(python("a"), python("b"))
    stack.up(quiet)
    stack.stop("a")
    assert list(stack.pids()) == ["b"]
    with pytest.raises(StackError, match="a is not ready within 0 s"):
        stack.wait_healthy(0.3)
    assert stack.up(quiet)
    assert sorted(stack.pids()) == ["a", "b"]
    stack.stop("b")
    stack.start("b")
    stack.wait_healthy(10)


def test_a_stack_that_is_up_is_not_started_with_other_settings(new_stack: NewStack) -> None:
    new_stack(python("a")).up(quiet)
    with pytest.raises(StackError, match="up with other settings"):
        new_stack(python("a", SLEEP, "--other")).up(quiet)


def test_a_stack_that_is_up_and_has_lost_its_secrets_is_to_be_stopped(new_stack: NewStack) -> None:
    stack = new_stack(python("a"))
    stack.up(quiet)
    (stack.settings.data_dir / FILE).unlink()
    with pytest.raises(StackError, match=r"secrets\.env is missing: stop the stack"):
        stack.up(quiet)
    assert list(stack.pids()) == ["a"]
    stack.down(quiet)
    assert stack.up(quiet)


def test_fresh_empties_the_data_but_never_under_a_running_stack(new_stack: NewStack) -> None:
    stack = new_stack(python("a"))
    stack.up(quiet)
    data = [folder / "data" for folder in data_dirs(stack.settings).values()]
    assert data
    for file in data:
        file.touch()
    with pytest.raises(StackError, match="stop it first"):
        stack.up(quiet, fresh=True)
    stack.down(quiet)
    stack.up(quiet)
    assert all(file.exists() for file in data)
    stack.down(quiet)
    stack.up(quiet, fresh=True)
    assert not any(file.exists() for file in data)


def test_what_is_left_running_holds_none_of_the_callers_descriptors(
    new_stack: NewStack, tmp_path: Path
) -> None:
    stack = new_stack(python("a"))
    code = f"""
import sys
from pathlib import Path
from usher.stack.spec import ProcessSpec
from usher.stack.settings import StackSettings
from usher.stack.stack import Stack
spec = ProcessSpec("a", (sys.executable, "-S", "-c", {SLEEP!r}))
held = open({str(tmp_path / "held")!r}, "w")
Stack(StackSettings(data_dir=Path({str(stack.settings.data_dir)!r})), [spec]).up(print)
"""
    read_end, write_end = os.pipe()
    # As `make up | cat`: it ends when nobody holds the pipe any more.
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, timeout=60, pass_fds=[write_end]
    )
    assert (done.returncode, done.stdout) == (0, b"a is ready\n"), done.stderr
    os.close(write_end)
    with os.fdopen(read_end) as pipe:
        assert pipe.read() == ""
    for _, process in owned(stack.settings.data_dir):
        assert str(tmp_path / "held") not in {file.path for file in process.open_files()}
        assert process.terminal() is None
        assert os.getsid(process.pid) != os.getsid(0)
