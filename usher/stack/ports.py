"""Refuses ports in use. The message names the port, its holder, its purpose and its setting."""

import errno
import socket
from collections.abc import Sequence

import psutil

from usher.stack.errors import StackError
from usher.stack.settings import LOOPBACK, StackSettings, purpose, variable
from usher.stack.spec import ProcessSpec


def refuse_ports_in_use(settings: StackSettings, specs: Sequence[ProcessSpec]) -> None:
    """Raise StackError that names every port of `specs` that is in use."""
    taken = [
        f"port {port}{_holder(port)} is in use, and {purpose(field)} needs it: "
        f"set {variable(field)} to another port"
        for spec in specs
        for field in spec.ports
        if _in_use(port := settings.ports()[field], {LOOPBACK, settings.host})
    ]
    if taken:
        raise StackError("\n".join(taken))


def _in_use(port: int, hosts: set[str]) -> bool:
    return any(_listened_on(host, port) or not _bindable(host, port) for host in hosts)


def _listened_on(host: str, port: int) -> bool:
    # On macOS, REUSEADDR lets a port be bound twice, so only a connection finds the listener.
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


def _bindable(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as attempt:
        # The servers set it, too: connections of a stack that ended a moment ago do not matter.
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind((host, port))
        except OSError as error:
            return error.errno != errno.EADDRINUSE
    return True


def _holder(port: int) -> str:
    try:
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr[1:] == (port,):
                return f" ({psutil.Process(connection.pid).name()}, pid {connection.pid})"
    except psutil.Error:
        pass  # another user's process, which only root can see
    return ""
