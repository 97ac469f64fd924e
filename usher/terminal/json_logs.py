"""Prints the stack's logs for programs: one JSON object a line, `{"process", "line"}`."""

import time
from collections.abc import Callable
from contextlib import suppress

from usher.stack.stack import Stack
from usher.stack.tail import LogReader, last_lines
from usher.terminal.interrupts import uninterrupted
from usher.terminal.output import write_json

_EVERY_SECONDS = 0.2


def show(stack: Stack, *, lines: int, follow: bool) -> None:
    """Print the last `lines` of every log. With `follow`, print new ones until down or Ctrl-C."""
    with suppress(KeyboardInterrupt), _reader(stack) as reader:
        for name in stack.names():
            for line in last_lines(stack.log_path(name), lines):
                _write(name, line)
        if follow:
            _stream(stack, reader)


def foreground(stack: Stack, report: Callable[[str], None], *, fresh: bool) -> None:
    """Start the stack, print its logs, and stop it on an interrupt.

    If the stack was up before, return at once. Raises what `Stack.up` raises.
    """
    with suppress(KeyboardInterrupt), _reader(stack) as reader:
        if not stack.up(report, fresh=fresh):
            return
        try:
            _stream(stack, reader)
        finally:
            with uninterrupted():
                stack.down(report)


def _reader(stack: Stack) -> LogReader:
    return LogReader({name: stack.log_path(name) for name in stack.names()})


def _stream(stack: Stack, reader: LogReader) -> None:
    up = True
    while up:
        up = stack.is_up()
        for name, line in reader.read():
            _write(name, line)
        time.sleep(_EVERY_SECONDS)


def _write(name: str, line: str) -> None:
    write_json({"process": name, "line": line})
