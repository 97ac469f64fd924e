"""Prints one line for each notice and dead letter: text on a terminal, JSON otherwise."""

import json
import sys
from typing import Any, TextIO

import structlog

from chassis.logs import add_trace_id
from contracts.printable import one_line
from contracts.records import DeadLetter, Notice
from contracts.refusal import with_field


class LineWriter:
    """Writes lines; `log_format` is `auto`, `console` or `json`."""

    def __init__(self, log_format: str, out: TextIO = sys.stdout) -> None:
        self._console = log_format == "console" or (log_format == "auto" and out.isatty())
        self._out = out

    def notice(self, notice: Notice) -> None:
        """Print how a workflow ended."""
        if not self._console:
            self._document(notice.model_dump(mode="json"))
            return
        result = notice.error or notice.output
        text = f"{notice.error.type}: {notice.error.message}" if notice.error else _text(result)
        self._write(
            f"{notice.finished_at:%H:%M:%S} {notice.outcome:<10} {notice.workflow} "
            f"{notice.instance_id} {notice.duration_s:.2f}s {text}"
        )

    def dead_letter(self, letter: DeadLetter) -> None:
        """Print which event could not be served, and why."""
        if not self._console:
            self._document(letter.model_dump(mode="json", exclude_unset=True))
            return
        route = f" for route {letter.route}" if letter.route else ""
        self._write(
            f"{letter.last_seen:%H:%M:%S} DEAD       {letter.reason} on {letter.topic}{route}"
            f" {with_field(letter.field, letter.message)} (event {letter.event.id})"
        )

    def _document(self, record: dict[str, Any]) -> None:
        fields = add_trace_id(None, "", {**structlog.contextvars.get_contextvars(), **record})
        self._write(_text(fields))

    def _write(self, line: str) -> None:
        self._out.write(one_line(line) + "\n")
        self._out.flush()


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
