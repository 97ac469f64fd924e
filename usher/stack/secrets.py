"""The secrets of the embedded stack: tokens of its sidecars and services, and Redis's password.

They are random, and differ for each stack. They are in a file of the data folder that only its user
may read, and in the environment of the processes. They are never on a command line, in
supervisord's configuration or in a log. A crash while the file is written leaves no file.
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
_HEADER = "# For this stack only. To renew the secrets, stop the stack and remove this file.\n"


@dataclass(frozen=True)
class Secrets:
    """The secrets of one stack. An empty string is no secret."""

    sidecar_token: str = ""
    """The header `dapr-api-token` of calls to the sidecars of orchestrator and notifier."""
    app_token: str = ""
    """The header of their deliveries to their services."""
    redis_password: str = ""

    def __repr__(self) -> str:
        return "Secrets()"  # so that no log shows them

    def variables(self) -> dict[str, str]:
        """Return the secrets by the names of their environment variables."""
        return dict(zip(NAMES, astuple(self), strict=True))

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers that a sidecar of the stack requires."""
        return {"dapr-api-token": self.sidecar_token} if self.sidecar_token else {}


def read_secrets(data_dir: Path) -> Secrets:
    """Return the secrets of a stack, or empty ones if this user cannot read the file."""
    try:
        lines = (data_dir / FILE).read_text().splitlines()
    except OSError:
        return Secrets()
    found = dict(line.split("=", 1) for line in lines if "=" in line and line[0] != "#")
    return Secrets(*(found.get(name, "") for name in NAMES))


def ensure_secrets(data_dir: Path) -> Secrets:
    """Return the secrets of a stopped stack. Make new ones if some are missing or not private."""
    file = data_dir / FILE
    found = read_secrets(data_dir)
    if not all(astuple(found)) or stat.S_IMODE(file.stat().st_mode) & 0o077:
        found = Secrets(*(random.token_hex(24) for _ in NAMES))
        _write(file, _HEADER + "".join(f"{k}={v}\n" for k, v in found.variables().items()))
    return found


def write_redis_file(data_dir: Path, found: Secrets) -> None:
    """Write the file from which Redis reads its password."""
    _write(data_dir / REDIS_FILE, f"requirepass {found.redis_password}\n")


def _write(file: Path, text: str) -> None:
    """Write a private file completely or not at all."""
    partial = file.with_name(f"{file.name}.partial")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as opened:
        opened.write(text)
    partial.replace(file)
