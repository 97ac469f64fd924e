"""Ports of this machine that lead to ports within pods, as `kubectl port-forward` does."""

import random
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tests.support.k8s.pods import enter

ANSWER_SECONDS = 5
CHUNK = 1 << 16

FindNetworks = Callable[[], list[Path]]


class Forwarder:
    """Each connection goes to the port on the loopback of one of the pods that are there now.

    Where there is none, the connection is closed at once.
    """

    def __init__(self) -> None:
        self._listeners: list[socket.socket] = []

    def add(self, port: int, find: FindNetworks, target: int) -> None:
        """Lead `port` of this machine to `target` in the networks that `find` returns."""
        listener = socket.create_server(("127.0.0.1", port), backlog=256)
        self._listeners.append(listener)
        _background(_accept, listener, find, target)

    def close(self) -> None:
        for listener in self._listeners:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()


def connect(networks: list[Path], target: int) -> socket.socket | None:
    """Return a connection to the port in one of the networks. Call it in a thread of its own."""
    for network in random.sample(networks, len(networks)):
        with suppress(OSError):
            enter(network)
            return socket.create_connection(("127.0.0.1", target), timeout=ANSWER_SECONDS)
    return None


def _background(work: Callable[..., None], *arguments: object) -> None:
    threading.Thread(target=work, args=arguments, daemon=True).start()


def _accept(listener: socket.socket, find: FindNetworks, target: int) -> None:
    with suppress(OSError):
        while True:
            caller, _ = listener.accept()
            _background(_serve, caller, find, target)


def _serve(caller: socket.socket, find: FindNetworks, target: int) -> None:
    with caller:
        answering = connect(find(), target)
        if answering is None:
            return
        with answering:
            answering.settimeout(None)
            for one in (caller, answering):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            back = threading.Thread(target=_copy, args=(answering, caller), daemon=True)
            back.start()
            _copy(caller, answering)
            back.join()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    """Copy until the source has no more; the other side hears of it."""
    with suppress(OSError):
        while data := source.recv(CHUNK):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
