"""The unix socket of one stack's supervisord: its path, and XML-RPC over it."""

import hashlib
import http.client
import os
import socket
import stat
import tempfile
import xmlrpc.client
from contextlib import suppress
from pathlib import Path

from usher.stack.errors import StackError

# A path may have 104 bytes (macOS) or 108 (Linux), and supervisord briefly appends its pid.
_LONGEST_PATH = 90
_ANSWER_SECONDS = 10


def socket_path(data_dir: Path) -> Path:
    """Return a short path, always the same for this data folder, in a folder of its own."""
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]
    folder = Path(tempfile.gettempdir(), f"usher-{os.getuid()}-{digest}")
    if len(os.fsencode(folder / "socket")) > _LONGEST_PATH:
        folder = Path("/tmp", folder.name)
    return folder / "socket"


def make_private(folder: Path) -> None:
    """Make a folder that only this user may enter.

    Raises StackError if it exists and is not private, because another user may have made it.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise StackError(f"{folder} must be a private folder of this user: remove it")


def poke(path: Path) -> None:
    """Connect and send nothing. Ignore a socket on which nothing listens."""
    with suppress(OSError), socket.socket(socket.AF_UNIX) as caller:
        caller.settimeout(0.1)
        caller.connect(str(path))


class UnixTransport(xmlrpc.client.Transport):
    """XML-RPC over a unix socket. supervisor's own transport has no time limit."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._unix = _UnixConnection(path)

    def make_connection(self, host: object) -> http.client.HTTPConnection:  # noqa: ARG002
        return self._unix

    def close(self) -> None:
        self._unix.close()


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=_ANSWER_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(_ANSWER_SECONDS)
        self.sock.connect(str(self._path))
