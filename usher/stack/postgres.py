"""Postgres of the embedded stack: finds its programs, and says how it runs and is reached.

It listens on a unix socket in a folder that only its user may enter, and on no port, so it needs no
password. Postgres refuses to run as root: for root it runs in a user namespace, as another user
whose files are root's outside of it.
"""

import os
import re
import shutil
import socket
import struct
import subprocess
from pathlib import Path

from usher.stack.errors import SetupError
from usher.stack.unixsocket import socket_path

OLDEST = 14
DEBIAN = Path("/usr/lib/postgresql")
"""Where Debian puts it, and not on PATH."""
_USER = "usher"
_DATABASE = "postgres"
_PORT = 5432
"""Part of the name of the socket; nothing listens on it."""
_CREATE_AND_RUN = (
    'test -s "$1/PG_VERSION" || "$0/initdb" --pgdata "$1" --username usher --auth trust'
    ' --encoding UTF8 --no-instructions && exec "$0/postgres" -D "$1" -h "" -k "$2"'
)
_AS_ANOTHER_USER = ("unshare", "--user", "--map-user=65534", "--map-group=65534")


def find_postgres() -> Path:
    """Return the folder with `initdb` and `postgres`. Raises SetupError that says what to do."""
    on_path = shutil.which("initdb")
    debian = sorted(DEBIAN.glob("*/bin/initdb"), key=major, reverse=True)
    for initdb in [*([Path(on_path).resolve()] if on_path else []), *debian]:
        if (initdb.parent / "postgres").is_file() and major(initdb) >= OLDEST:
            return initdb.parent
    raise SetupError(
        f"Postgres {OLDEST} or newer is not here, and Usher installs no system packages. "
        "On Debian and Ubuntu: apt-get install postgresql"
    )


def major(initdb: Path) -> int:
    """Return the major version of an `initdb`; 0 if it does not run."""
    said = subprocess.run([initdb, "--version"], capture_output=True, text=True, timeout=20).stdout
    found = re.search(r"\(PostgreSQL\) (\d+)", said)
    return int(found[1]) if found else 0


def command(programs: Path, data: Path, sockets: Path) -> tuple[str, ...]:
    """Return the command that creates the database in `data`, if it is empty, and serves it."""
    words = ("sh", "-c", _CREATE_AND_RUN, str(programs), str(data), str(sockets))
    return (*_AS_ANOTHER_USER, *words) if os.getuid() == 0 else words


def socket_folder(data_dir: Path) -> Path:
    """Return the folder of the socket: the one of the stack's supervisord, which is private."""
    return socket_path(data_dir).parent


def connection_string(data_dir: Path) -> str:
    """Return what a client of this stack's Postgres connects with."""
    return f"host={socket_folder(data_dir)} port={_PORT} user={_USER} dbname={_DATABASE}"


def accepts(sockets: Path, seconds: float) -> bool:
    """Return whether Postgres takes a connection. While it starts or stops, it sends an error."""
    words = f"user\0{_USER}\0database\0{_DATABASE}\0\0".encode()
    startup = struct.pack("!ii", len(words) + 8, 196608) + words  # protocol 3.0
    try:
        with socket.socket(socket.AF_UNIX) as caller:
            caller.settimeout(seconds)
            caller.connect(str(sockets / f".s.PGSQL.{_PORT}"))
            caller.sendall(startup)
            return caller.recv(1) == b"R"
    except OSError:
        return False
