"""Prints one line for each notice and dead letter: text on a terminal, JSON otherwise."""

import json
import sys
from typing import Any, TextIO

import structlog

from chassis.logs import add_trace_id
from contracts.lines import letter_line, notice_line
from contracts.printable import one_line
from contracts.records import DeadLetter, Notice


class LineWriter:
    """Writes lines; `log_format` is `auto`, `console` or `json`."""

    def __init__(self, log_format: str, out: TextIO = sys.stdout) -> None:
        self._console = log_format == "console" or (log_format == "auto" and out.isatty())
        self._out = out

    def notice(self, notice: Notice) -> None:
        """Print how a workflow ended."""
        self._write(
            notice_line(notice) if self._console else _document(notice.model_dump(mode="json"))
        )

    def dead_letter(self, letter: DeadLetter) -> None:
        """Print which event could not be served, and why."""
        record = letter.model_dump(mode="json", exclude_unset=True)
        self._write(letter_line(letter) if self._console else _document(record))

    def _write(self, line: str) -> None:
        self._out.write(line + "\n")
        self._out.flush()


def _document(record: dict[str, Any]) -> str:
    fields = add_trace_id(None, "", {**structlog.contextvars.get_contextvars(), **record})
    return one_line(json.dumps(fields, ensure_ascii=False))
