"""Shows the logs of all processes as one, each in its colour, and what becomes of the processes."""

import re
from contextlib import suppress
from threading import Event

from rich.console import Console
from rich.text import Text

from contracts import printable
from usher.stack.program import Report
from usher.stack.stack import SUPERVISORD, Stack
from usher.stack.tail import LogReader, last_lines
from usher.terminal.interrupts import interruptible, uninterrupted

_COLOURS = ("cyan", "green", "yellow", "magenta", "blue", "bright_cyan", "bright_green")
_EVERY_SECONDS = 0.2
_LINES_AT_DEATH = 10


def show(stack: Stack, console: Console, *, lines: int = 100) -> None:
    """`usher logs`: print the last `lines` of every process's log, and return."""
    screen = _Screen(stack, console)
    for name in stack.names():
        for line in last_lines(stack.log_path(name), lines):
            screen.line(name, line)


def follow(stack: Stack, console: Console, *, lines: int = 10, until: Event | None = None) -> None:
    """`usher logs --follow`: the last `lines` of every log, and from there on what comes.

    Returns when the stack is down, `until` is set, or on Ctrl-C; the stack is left alone.
    """
    with suppress(KeyboardInterrupt), _reader(stack) as logs:
        show(stack, console, lines=lines)
        _stream(logs, _Screen(stack, console), stack, until or Event())
        if not stack.is_up():
            console.print("the stack is down", markup=False)


def foreground(stack: Stack, console: Console, *, fresh: bool = False) -> None:
    """`usher up`: bring the stack up, show its logs, stop it in order on Ctrl-C or SIGTERM.

    Returns once everything has stopped; a second Ctrl-C kills it. Returns at once when it was up
    before: then it is another command's to stop. Raises what `Stack.up` raises.
    """
    screen = _Screen(stack, console)
    with interruptible(), _reader(stack) as logs:
        try:
            if not stack.up(screen.say, fresh=fresh):
                return
        except KeyboardInterrupt:
            return  # `up` has stopped what it had started
        interrupted = False
        try:
            _stream(logs, screen, stack, Event())
        except KeyboardInterrupt:
            interrupted = True
        finally:
            _stop(stack, screen.say, interrupted)


class _Screen:
    """Prints log lines as they are: what they hold is never markup, and cannot steer a terminal."""

    def __init__(self, stack: Stack, console: Console) -> None:
        names = stack.names()
        self._stack = stack
        self._console = console
        self._width = max(map(len, names), default=0)
        self._colour = {n: _COLOURS[i % len(_COLOURS)] for i, n in enumerate(names)}

    def line(self, name: str, line: str) -> None:
        prefix = Text(f"{name:{self._width}} │ ", style=self._colour.get(name, ""))
        self._print(prefix + Text(printable.one_line(line)))

    def say(self, text: str, style: str = "bold") -> None:
        self._print(Text(text, style=style))

    def heard(self, line: str) -> None:
        """What a line of supervisord's own log means for people; most mean nothing."""
        if died := re.search(r" exited: (\S+) \((.*?)(; (not )?expected)*\)$", line):
            name, how = died[1], died[2]
            self.say(f"{name} died ({how}). Its last lines:", "bold red")
            for last in last_lines(self._stack.log_path(name), _LINES_AT_DEATH):
                self.line(name, f"  {last}")
            self.say(f"{name} is being started again", "bold red")
        elif spawned := re.search(r" spawned: '(\S+)' with pid (\d+)$", line):
            self.say(f"{spawned[1]} runs with pid {spawned[2]}")
        elif stopped := re.search(r" stopped: (\S+) \(", line):
            self.say(f"{stopped[1]} was stopped")

    def _print(self, text: Text) -> None:
        with suppress(OSError):  # the terminal is gone; what runs is still to be looked after
            self._console.print(text, soft_wrap=True)


def _reader(stack: Stack) -> LogReader:
    # supervisord last: a process's last words are shown before the news of its death.
    return LogReader({name: stack.log_path(name) for name in (*stack.names(), SUPERVISORD)})


def _stream(logs: LogReader, screen: _Screen, stack: Stack, until: Event) -> None:
    up = True
    while up:
        up = stack.is_up() and not until.is_set()
        for name, line in logs.read():
            screen.heard(line) if name == SUPERVISORD else screen.line(name, line)
        if up:
            until.wait(_EVERY_SECONDS)


def _stop(stack: Stack, report: Report, interrupted: bool) -> None:
    try:
        if interrupted:  # said here: whoever reads it may press again at once
            report("stopping in order; Ctrl-C again kills")
        stack.down(report)
    except KeyboardInterrupt:
        with uninterrupted():
            report("killing what is left")
            stack.kill()
