"""`python -m orchestrator.hosting FD`: the isolated process, which answers one work item."""

import asyncio
import json
import os
import signal
import socket
import sys
import threading
from contextlib import suppress
from typing import Any, NoReturn

from chassis.logs import set_up_logs
from orchestrator.authoring.catalogue import Catalogue
from orchestrator.hosting.isolation import READY, SIZE_BYTES
from orchestrator.hosting.memory_limit import bound_memory
from orchestrator.hosting.registration import OwnActivities, build_worker
from orchestrator.settings import Settings


async def _never(*_: object) -> NoReturn:
    raise RuntimeError("an isolated process runs only authors' code")


async def run(connection: socket.socket, head: dict[str, Any], request: bytes) -> bytes:
    """Run the work item of the request, and return the answer."""
    settings = Settings()
    settings.export_to_sdk()
    catalogue = Catalogue.scan(settings.workflows, settings.samples, routes=None)
    # Its last turn asks for the activity that announces its end, which runs in the other process.
    own = OwnActivities(lambda *_: False, _never, _never, _never, _never)
    worker = build_worker(catalogue, own)
    answers: list[Any] = []
    worker.capture(answers.append)
    bound_memory()
    connection.sendall(READY)
    await worker.run(head["kind"], request, head["token"])
    answer: bytes = answers[0].SerializeToString()
    return answer


def _end_with(connection: socket.socket) -> None:
    """End at once when the orchestrator has ended or closes the connection."""
    with suppress(OSError):  # reset: the orchestrator was killed
        connection.recv(1)
    os._exit(0)


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the orchestrator
    with socket.socket(fileno=int(sys.argv[1])) as connection:
        connection.set_inheritable(False)
        stream = connection.makefile("rb")
        head = json.loads(stream.readline())
        request = stream.read(head["size"])
        set_up_logs(Settings().log_format)
        threading.Thread(target=_end_with, args=(connection,), daemon=True).start()
        answer = asyncio.run(run(connection, head, request))
        connection.sendall(len(answer).to_bytes(SIZE_BYTES, "big") + answer)
    sys.stdout.flush()
    os._exit(0)  # waits for no thread that an author started


if __name__ == "__main__":
    main()
