"""`python -m orchestrator.hosting FD` runs one work item alone, and sends back its answer."""

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
    raise RuntimeError("this process runs authors' tasks alone")


async def run(connection: socket.socket, head: dict[str, Any], request: bytes) -> bytes:
    """Run the task that the request asks for, and return the answer."""
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
    """End at once when the process that asked has ended, or wants no answer any more."""
    with suppress(OSError):  # reset, where the other process was killed
        connection.recv(1)
    os._exit(0)


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that asked
    with socket.socket(fileno=int(sys.argv[1])) as connection:
        connection.set_inheritable(False)
        asked = connection.makefile("rb")
        head = json.loads(asked.readline())
        request = asked.read(head["size"])
        set_up_logs(Settings().log_format)
        threading.Thread(target=_end_with, args=(connection,), daemon=True).start()
        answer = asyncio.run(run(connection, head, request))
        connection.sendall(len(answer).to_bytes(SIZE_BYTES, "big") + answer)
    sys.stdout.flush()
    os._exit(0)  # a thread that an author has started holds up nothing


if __name__ == "__main__":
    main()
