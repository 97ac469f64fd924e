"""What one command works with, and what becomes of it when it fails: a message, an exit code.

Every command imports this module, also where it only shows its help. What takes long to import is
imported here once a command asks for it.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import typer

from usher.errors import BadInput, CommandError, Unreachable
from usher.stack.errors import SetupError, StackError

if TYPE_CHECKING:
    import httpx
    from redis import Redis

    from chassis.redis_settings import RedisAddress
    from usher.client import Client
    from usher.stack.settings import StackSettings
    from usher.stack.spec import ProcessSpec
    from usher.stack.stack import Stack
    from usher.terminal.output import Output

Settings = TypeVar("Settings")
STACK_EXTRA = {"filelock", "psutil", "supervisor", "uv"}
"""What the extra `stack` installs: only the commands of the embedded stack import it."""


def _new_http_client(direct: Collection[str]) -> "httpx.Client":
    from usher.transport import new_http_client

    return new_http_client(direct)


def _new_stack(settings: "StackSettings", specs: "Sequence[ProcessSpec] | None" = None) -> "Stack":
    from usher.stack.stack import Stack

    return Stack(settings, specs)


def _new_redis_client(address: "RedisAddress") -> "Redis":
    from redis import Redis

    return Redis(**address.probe_options(), socket_timeout=30)


@dataclass(frozen=True)
class Wiring:
    """What commands are built from. Tests put another one on the typer context."""

    http: "Callable[[Collection[str]], httpx.Client]" = _new_http_client
    stack: "Callable[..., Stack]" = _new_stack
    redis: "Callable[[RedisAddress], Redis]" = _new_redis_client


class Session:
    """Handed to a command for as long as it runs."""

    def __init__(self, wiring: Wiring, out: "Output") -> None:
        self.wiring = wiring
        self.out = out

    @cached_property
    def settings(self) -> "StackSettings":
        """The settings of the embedded stack; raises `BadInput` for what cannot be used."""
        from usher.stack.settings import StackSettings

        return usable(StackSettings)

    @contextmanager
    def client(self) -> "Iterator[Client]":
        """A client of the services; its connections are closed on leaving."""
        from usher.client import Client
        from usher.urls import (
            UrlSettings,
            addresses_of,
            direct_hosts,
            orchestrator_urls,
            service_urls,
        )

        elsewhere = usable(UrlSettings)
        urls = service_urls(self.settings, elsewhere)
        with self.wiring.http(direct_hosts(self.settings, urls.values())) as http:
            yield Client(http, urls, orchestrator_urls(self.settings, elsewhere, addresses_of))

    @contextmanager
    def redis(self) -> "Iterator[Redis]":
        """A client of the broker; raises `Unreachable` when it does not answer."""
        from redis import RedisError

        from chassis.redis_faults import one_line
        from usher.stack.secrets import FILE
        from usher.urls import redis_address

        address = redis_address(self.settings)
        with self.wiring.redis(address) as client:
            try:
                yield client
            except RedisError as error:
                detail = None
                if not address.password and self.settings.own_redis:
                    gone = f"The embedded stack's is in {self.settings.data_dir / FILE}"
                    detail = f"{gone}; if that is gone, `usher down` and `usher up` make another."
                raise Unreachable(f"{one_line(error, address)}.", detail) from error

    def stack(self, names: Sequence[str] | None = None) -> "Stack":
        """The embedded stack that the settings describe, or of it what `names` says.

        Raises `BadInput` for a name that is none.
        """
        if not names:
            return self.wiring.stack(self.settings)
        from usher.stack.processes import processes
        from usher.stack.spec import Binaries

        # Which binaries run them is not asked where only names and logs matter.
        every = processes(self.settings, Binaries(Path(), Path(), Path(), Path()))
        if unknown := sorted({*names} - {spec.name for spec in every}):
            there_are = f"There are: {', '.join(spec.name for spec in every)}."
            raise BadInput(f"No process is named {', '.join(unknown)}.", there_are)
        return self.wiring.stack(self.settings, [spec for spec in every if spec.name in names])


@contextmanager
def session(ctx: typer.Context, as_json: bool) -> Iterator[Session]:
    """Run a command's body; what it raises is printed and becomes the exit code."""
    from usher.terminal.output import Output

    out = Output(as_json)
    try:
        yield Session(ctx.ensure_object(Wiring), out)
    except (StackError, SetupError) as error:
        title, _, detail = str(error).partition("\n")
        out.failed(CommandError(title, detail or None))
        raise typer.Exit(CommandError.exit_code) from error
    except ModuleNotFoundError as missing:
        if missing.name not in STACK_EXTRA:
            raise
        how = "`make setup` of a checkout, or `pip install 'usher-dapr[stack]'`"
        out.failed(CommandError(f"The embedded stack is not installed. Install it with {how}."))
        raise typer.Exit(CommandError.exit_code) from missing
    except CommandError as error:
        out.failed(error)
        raise typer.Exit(error.exit_code) from error


def usable(settings: Callable[[], Settings]) -> Settings:
    """What `settings` makes of the environment; raises `BadInput` that names the variable."""
    from pydantic import ValidationError

    try:
        return settings()
    except ValidationError as invalid:
        errors = [
            {"field": _named(str(error["loc"][0])), "message": error["msg"]}
            if error["loc"]
            else {"field": "", "message": error["msg"].removeprefix("Value error, ")}
            for error in invalid.errors(include_url=False, include_context=False)
        ]
        title = "The environment holds settings that cannot be used."
        raise BadInput(title, errors=errors) from invalid


def _named(field: str) -> str:
    """Return the variable of a setting. A setting with another name is known by its variable."""
    from usher.stack.settings import variable

    return field if field.isupper() else variable(field)
