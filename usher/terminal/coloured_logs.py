"""Shows the logs of all processes together, each in its colour, with their starts and deaths."""

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
    """Print the last `lines` of every log, for `usher logs`."""
    screen = _Screen(stack, console)
    for name in stack.names():
        for line in last_lines(stack.log_path(name), lines):
            screen.line(name, line)


def follow(stack: Stack, console: Console, *, lines: int = 10, until: Event | None = None) -> None:
    """Print the last `lines` of every log and then new lines, for `usher logs --follow`.

    Return when the stack is down, when `until` is set, or on Ctrl-C. The stack keeps running.
    """
    with suppress(KeyboardInterrupt), _reader(stack) as logs:
        show(stack, console, lines=lines)
        _stream(logs, _Screen(stack, console), stack, until or Event())
        if not stack.is_up():
            console.print("the stack is down", markup=False)


def foreground(stack: Stack, console: Console, *, fresh: bool = False) -> None:
    """Start the stack, show its logs, and stop it on Ctrl-C or SIGTERM, for `usher up`.

    Return when everything has stopped. A second Ctrl-C kills it. If the stack was up before, return
    at once and leave it running. Raises what `Stack.up` raises.
    """
    screen = _Screen(stack, console)
    with interruptible(), _reader(stack) as logs:
        try:
            if not stack.up(screen.say, fresh=fresh):
                return
        except KeyboardInterrupt:
            return  # `up` has stopped the processes it started
        interrupted = False
        try:
            _stream(logs, screen, stack, Event())
        except KeyboardInterrupt:
            interrupted = True
        finally:
            _stop(stack, screen.say, interrupted)


class _Screen:
    """Prints log lines without markup and without control characters."""

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

    def supervisord_line(self, line: str) -> None:
        """Report the start, stop or death of a process that a line of supervisord's log tells."""
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
        with suppress(OSError):  # the terminal is gone, but the stack must still be stopped
            self._console.print(text, soft_wrap=True)


def _reader(stack: Stack) -> LogReader:
    # supervisord last, so that the last lines of a process come before its death.
    return LogReader({name: stack.log_path(name) for name in (*stack.names(), SUPERVISORD)})


def _stream(logs: LogReader, screen: _Screen, stack: Stack, until: Event) -> None:
    up = True
    while up:
        up = stack.is_up() and not until.is_set()
        for name, line in logs.read():
            screen.supervisord_line(line) if name == SUPERVISORD else screen.line(name, line)
        if up:
            until.wait(_EVERY_SECONDS)


def _stop(stack: Stack, report: Report, interrupted: bool) -> None:
    try:
        if interrupted:  # reported inside `try`: a second Ctrl-C may follow at once
            report("stopping in order; Ctrl-C again kills")
        stack.down(report)
    except KeyboardInterrupt:
        with uninterrupted():
            report("killing what is left")
            stack.kill()
