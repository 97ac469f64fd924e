"""What a command prints: its answer on stdout, everything else on stderr; or one JSON document.

All that `usher` prints is printed here: what strangers wrote, in ids, messages, logs, cannot steer
the terminal, end a line or turn its direction.
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

# Off a terminal nothing is folded to a width: `usher workflows | grep` sees whole lines.
UNFOLDED = 2000


class Output:
    """Prints for people, or with `as_json` for programs: then stdout holds one JSON document."""

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
        """Print one line of what is shown as it comes."""
        self.console.print(Text(printable.one_line(line)))

    def progress(self, line: str) -> None:
        """Say what is going on; never part of the answer."""
        self._stderr.print(Text(printable.one_line(line), style="dim"))

    def failed(self, error: CommandError) -> None:
        """Say why the command could not do it."""
        if self.as_json:
            write_json(error.as_json(), indent=2)
            return
        from contracts.refusal import with_field

        at_fault = [with_field(e["field"], e["message"]) for e in error.errors]
        self._stderr.print(Text(error.title, style="bold red"))
        for line in at_fault:
            self._stderr.print(Text(printable.one_line(line)))
        # A service's detail often says the same once more.
        again = error.detail == "; ".join(at_fault)
        if error.detail and not again and not any(one.endswith(error.detail) for one in at_fault):
            self._stderr.print(Text(error.detail))


class Screen(Console):
    """A console that escapes in every text what is no text; its own colours stay."""

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
    return Screen(stderr=stderr, width=None if stream.isatty() else UNFOLDED, highlight=False)
