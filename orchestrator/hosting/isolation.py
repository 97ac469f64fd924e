"""Runs one work item in a process of its own, where it can end nothing else.

The process is `python -m orchestrator.hosting`. It ends when this process does.
"""

import asyncio
import json
import signal
import socket
import sys
from asyncio.subprocess import DEVNULL, Process
from contextlib import suppress

AT_ONCE = 3
"""How many such processes there are at once; each takes some 80 MB."""
READY = b"R"
"""What the process sends before it begins the task: who ends sooner did not die of it."""
SIZE_BYTES = 8
SETTLES_SECONDS = 0.5
"""How long this process must outlive the other one for that to be the task's doing: whoever ends
both, a stop or the kernel, ends this one, too."""


class NotStarted(Exception):
    """The process did not come as far as the task."""


class Died(Exception):
    """The process ended while it ran the task. Says how."""


async def run_apart(kind: str, request: bytes, token: str) -> bytes:
    """Return the answer of a task, serialized; raise `Died` or `NotStarted`."""
    ours, theirs = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=ours)
    try:
        with theirs:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "orchestrator.hosting", str(theirs.fileno())),
                stdin=DEVNULL,
                pass_fds=(theirs.fileno(),),
            )
        head = {"kind": kind, "token": token, "size": len(request)}
        writer.write(json.dumps(head).encode() + b"\n" + request)
        return await _answer(reader, process)
    except OSError as error:
        raise NotStarted(str(error)) from error
    finally:
        writer.close()  # where the task still runs, this ends its process


async def _answer(reader: asyncio.StreamReader, process: Process) -> bytes:
    reading = asyncio.create_task(_read(reader))
    ending = asyncio.create_task(process.wait())
    await asyncio.wait((reading, ending), return_when=asyncio.FIRST_COMPLETED)
    # What it has started may hold the connection open after its end.
    with suppress(TimeoutError):
        ready, answer = await asyncio.wait_for(reading, 2 if ending.done() else None)
        if answer is not None:
            await ending
            return answer
        if not ready:
            raise NotStarted(_how(await ending))
    how = _how(await ending)
    await asyncio.sleep(SETTLES_SECONDS)
    raise Died(how)


async def _read(reader: asyncio.StreamReader) -> tuple[bool, bytes | None]:
    """Return whether the task began, and its answer, None where there is none."""
    began = False
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        began = await reader.readexactly(1) == READY
        size = int.from_bytes(await reader.readexactly(SIZE_BYTES), "big")
        return began, await reader.readexactly(size)
    return began, None


def _how(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    with suppress(ValueError):
        return f"signal {-code}, {signal.Signals(-code).name}"
    return f"signal {-code}"
