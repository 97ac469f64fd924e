"""Runs one work item in an isolated process, where it can end nothing else.

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
"""How many isolated processes run at once. Each takes some 80 MB."""
READY = b"R"
"""What the process sends before it begins the work item. An end before that is not the item's."""
SIZE_BYTES = 8
SETTLE_SECONDS = 0.5
"""How long this process must outlive the isolated one before the work item is blamed. A stop, or
the kernel, that ends both also ends this one."""


class NotStarted(Exception):
    """The process ended before it began the work item."""


class ProcessDied(Exception):
    """The process ended while it ran the work item. The message says how."""


async def run_isolated(kind: str, request: bytes, token: str) -> bytes:
    """Return the serialized answer of a work item; raise `ProcessDied` or `NotStarted`."""
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
        writer.close()  # ends the process if the work item still runs


async def _answer(reader: asyncio.StreamReader, process: Process) -> bytes:
    reading = asyncio.create_task(_read(reader))
    ending = asyncio.create_task(process.wait())
    await asyncio.wait((reading, ending), return_when=asyncio.FIRST_COMPLETED)
    # Processes that the work item started may hold the connection open.
    with suppress(TimeoutError):
        ready, answer = await asyncio.wait_for(reading, 2 if ending.done() else None)
        if answer is not None:
            await ending
            return answer
        if not ready:
            raise NotStarted(_how(await ending))
    how = _how(await ending)
    await asyncio.sleep(SETTLE_SECONDS)
    raise ProcessDied(how)


async def _read(reader: asyncio.StreamReader) -> tuple[bool, bytes | None]:
    """Return whether the work item began, and its answer or None."""
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
