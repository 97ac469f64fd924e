"""The embedded stack's secrets: tokens of its sidecars and services, and Redis's password.

Made at random for each stack. They are in a file of the data folder that only its user may read,
and in the environment of the processes; never on a command line, in supervisord's configuration or
in a log. A crash while the file is made leaves none, and the next start makes it.
"""

import os
import secrets as random
import stat
from dataclasses import astuple, dataclass
from pathlib import Path

FILE = "secrets.env"
REDIS_FILE = "redis.conf"
SIDECAR_TOKEN = "DAPR_API_TOKEN"
APP_TOKEN = "APP_API_TOKEN"
REDIS_PASSWORD = "USHER_REDIS_PASSWORD"
NAMES = (SIDECAR_TOKEN, APP_TOKEN, REDIS_PASSWORD)
_HEADER = (
    "# Of this stack alone. Remove it while the stack is down, and the next start makes another.\n"
)


@dataclass(frozen=True)
class Secrets:
    """What a process of the stack, or the command line, may need to be let in."""

    sidecar_token: str = ""
    """Wanted by the sidecars of orchestrator and notifier, as the header `dapr-api-token`."""
    app_token: str = ""
    """Shown by them when they deliver to their services."""
    redis_password: str = ""

    def __repr__(self) -> str:
        return "Secrets()"  # so that none is ever printed

    def variables(self) -> dict[str, str]:
        """Return them by the names of the variables that hold them."""
        return dict(zip(NAMES, astuple(self), strict=True))

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers that a sidecar of the stack wants."""
        return {"dapr-api-token": self.sidecar_token} if self.sidecar_token else {}


def read_secrets(data_dir: Path) -> Secrets:
    """Return the secrets of a stack; empty where there are none, or none for this user."""
    try:
        lines = (data_dir / FILE).read_text().splitlines()
    except OSError:
        return Secrets()
    found = dict(line.split("=", 1) for line in lines if "=" in line and line[0] != "#")
    return Secrets(*(found.get(name, "") for name in NAMES))


def ensure_secrets(data_dir: Path) -> Secrets:
    """Return the secrets of a stack that is down, made where they are not whole or not private."""
    file = data_dir / FILE
    found = read_secrets(data_dir)
    if not all(astuple(found)) or stat.S_IMODE(file.stat().st_mode) & 0o077:
        found = Secrets(*(random.token_hex(24) for _ in NAMES))
        _write(file, _HEADER + "".join(f"{k}={v}\n" for k, v in found.variables().items()))
    return found


def write_redis_file(data_dir: Path, found: Secrets) -> None:
    """Write what Redis reads its password from."""
    _write(data_dir / REDIS_FILE, f"requirepass {found.redis_password}\n")


def _write(file: Path, text: str) -> None:
    """Write a private file, whole or not at all."""
    partial = file.with_name(f"{file.name}.partial")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as opened:
        opened.write(text)
    partial.replace(file)
