"""What can go wrong with a command, and the exit code a script sees for it."""

from enum import IntEnum
from typing import Any


class Exit(IntEnum):
    """Exit codes of `usher`. Scripts rely on them: add, never renumber."""

    OK = 0
    FAILED = 1
    USAGE = 2
    UNREACHABLE = 3
    NOT_FOUND = 4
    REFUSED = 5
    RUN_FAILED = 6
    RUN_TERMINATED = 7
    TIMED_OUT = 8


class CommandError(Exception):
    """A command cannot do what was asked.

    `title` is one line; `detail` says more. `errors`, `{"field", "message"}` each, and `reason`
    are those of the service's problem+json, where it sent one.
    """

    exit_code: Exit = Exit.FAILED

    def __init__(
        self,
        title: str,
        detail: str | None = None,
        errors: list[dict[str, str]] | None = None,
        reason: str | None = None,
    ) -> None:
        super().__init__(title)
        self.title = title
        self.detail = detail
        self.errors = errors or []
        self.reason = reason

    def as_json(self) -> dict[str, Any]:
        """The one document printed for this error under `--json`."""
        return {
            "error": {
                "exit_code": int(self.exit_code),
                "title": self.title,
                "detail": self.detail,
                "reason": self.reason,
                "errors": self.errors,
            }
        }


class BadInput(CommandError):
    """What was typed cannot be sent."""

    exit_code = Exit.USAGE


class Unreachable(CommandError):
    """A service, or the sidecar behind it, does not answer."""

    exit_code = Exit.UNREACHABLE


class NotFound(CommandError):
    """The service knows nothing of that name."""

    exit_code = Exit.NOT_FOUND


class Refused(CommandError):
    """The service looked at the request and said no; nothing was published."""

    exit_code = Exit.REFUSED


class TimedOut(CommandError):
    """What was waited for did not come in time."""

    exit_code = Exit.TIMED_OUT
