"""Prints what a command answers: the answer on stdout, everything else on stderr.

No other module prints. So ids, messages and logs that strangers wrote cannot control the terminal,
end a line or reverse its direction.
"""

import json
import sys
from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from contracts import printable
from usher.errors import CommandError
from usher.terminal.views import as_it_came

# The width if the output is no terminal, so that `usher workflows | grep` sees whole lines.
WIDTH_OF_A_PIPE = 2000


class Output:
    """Prints for people. With `as_json` it prints one JSON document on stdout, for programs."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        self.console = _console(stderr=False)
        self._stderr = _console(stderr=True)

    def answer(self, document: Any, view: RenderableType) -> None:
        """Print the command's answer: `document` as JSON, or `view` for people."""
        if self.as_json:
            write_json(document, indent=2)
        else:
            self.console.print(view)

    def line(self, line: str) -> None:
        """Print one line of the answer."""
        self.console.print(Text(printable.one_line(line)))

    def progress(self, line: str) -> None:
        """Print a line of progress on stderr."""
        self._stderr.print(Text(printable.one_line(line), style="dim"))

    def failed(self, error: CommandError) -> None:
        """Print why the command failed."""
        if self.as_json:
            write_json(error.as_json(), indent=2)
            return
        from contracts.refusal import with_field

        fields = [with_field(e["field"], e["message"]) for e in error.errors]
        self._stderr.print(Text(error.title, style="bold red"))
        for line in fields:
            self._stderr.print(Text(printable.one_line(line)))
        # A service's detail often repeats the fields.
        repeats = error.detail == "; ".join(fields)
        if error.detail and not repeats and not any(f.endswith(error.detail) for f in fields):
            self._stderr.print(Text(error.detail))


class Screen(Console):
    """A console that escapes control characters in every text, but keeps its own colours."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            text = segment.text if segment.control else printable.lines(segment.text)
            yield segment if text == segment.text else Segment(text, segment.style)


def write_json(document: Any, indent: int | None = None) -> None:
    """Print a JSON document on stdout: ASCII, without controls. Answers in it are as they came."""
    text = json.dumps(document, indent=indent, default=as_it_came)
    sys.stdout.write(printable.lines(text) + "\n")
    sys.stdout.flush()


def _console(*, stderr: bool) -> Screen:
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else WIDTH_OF_A_PIPE
    return Screen(stderr=stderr, width=width, highlight=False)
