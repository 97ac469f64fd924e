"""Runs supervisord for one data folder, and talks to it over its unix socket."""

import http.client
import os
import subprocess
import sys
import xmlrpc.client
from collections.abc import Mapping, Sequence
from configparser import RawConfigParser
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, cast

import psutil
from supervisor.xmlrpc import Faults  # type: ignore[import-untyped]

from usher.stack.conf import LOGS, PIDFILE, render, secret_variable
from usher.stack.errors import StackError
from usher.stack.ownership import MARK, alive, name_of
from usher.stack.processes import ProcessSpec
from usher.stack.secrets import ensure_secrets, write_redis_file
from usher.stack.settings import LOOPBACK
from usher.stack.unixsocket import UnixTransport, make_private, poke, socket_path
from usher.stack.wait import wait_until

_DIRECT = (LOOPBACK, "localhost")


class State(NamedTuple):
    """One process as supervisord sees it."""

    word: str
    """STOPPED, STARTING, RUNNING, BACKOFF, STOPPING, EXITED (about to be started again), FATAL."""
    pid: int
    """0 while there is none."""
    started: int
    """Unix time of its last start, in whole seconds: another one is another life."""


class Supervisor:
    """The supervisord of one data folder, whether it runs or not."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._configuration = data_dir / "supervisord.conf"

    def process(self) -> psutil.Process | None:
        """supervisord itself, by its pid file, if that pid still is it."""
        try:
            found = psutil.Process(int((self._data_dir / PIDFILE).read_text()))
        except (OSError, ValueError, psutil.NoSuchProcess):
            return None
        return found if name_of(found, self._data_dir) == "" and alive(found) else None

    def runs_with(self, specs: Sequence[ProcessSpec]) -> bool:
        """Whether the configuration it was launched with is that of `specs`."""
        return self._configuration.read_text() == _rendered(specs, self._socket())

    def launch(self, specs: Sequence[ProcessSpec]) -> None:
        """Start supervisord, detached, with none of `specs` started yet. Raises StackError.

        It leaves this session and this process's children, and holds none of its descriptors.
        The launching process returns once the socket listens, so a fault is told here.
        """
        (self._data_dir / LOGS).mkdir(parents=True, exist_ok=True)
        socket = socket_path(self._data_dir)
        make_private(socket.parent)
        self._configuration.write_text(_rendered(specs, socket))
        launched = subprocess.run(
            [sys.executable, "-m", "supervisor.supervisord", "-c", self._configuration.name],
            cwd=self._data_dir,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
            text=True,
        )
        if launched.returncode or not wait_until(lambda: self.process() is not None, 10):
            raise StackError(f"supervisord does not start:\n{launched.stderr.strip()}")

    def states(self) -> dict[str, State]:
        """Every process of the configuration by its name. Raises StackError if nobody answers."""
        infos = cast(list[dict[str, Any]], self._call("getAllProcessInfo"))
        return {i["name"]: State(i["statename"], i["pid"], i["start"]) for i in infos}

    def start(self, name: str) -> bool:
        """Start one process without waiting for it; False if it was started already."""
        try:
            self._call("startProcess", name, False)
        except xmlrpc.client.Fault as fault:
            if fault.faultCode == Faults.ALREADY_STARTED:
                return False
            # One that died at once is no fault yet: it will be tried again.
            if fault.faultCode != Faults.SPAWN_ERROR:
                raise StackError(f"{name} cannot be started: {fault.faultString}") from fault
        return True

    def stop(self, name: str, seconds: float) -> None:
        """Stop one process for good, until `start`. Raises StackError after `seconds`."""

        def stopped() -> bool:
            word = self.states()[name].word
            if word in ("RUNNING", "STARTING", "BACKOFF"):
                # Between the two calls it may have died by itself: then it is asked again.
                try:
                    self._call("stopProcess", name, False)
                except xmlrpc.client.Fault as fault:
                    if fault.faultCode != Faults.NOT_RUNNING:
                        raise
            return word in ("STOPPED", "FATAL")

        if not wait_until(stopped, seconds):
            raise StackError(f"{name} does not stop")

    def nudge(self) -> None:
        """Make supervisord look around now: it does once a second, or when it is spoken to."""
        poke(self._socket())

    def tidy(self) -> None:
        """Once it has ended: remove its socket, if it could not itself, and the socket's folder."""
        socket = self._socket()
        with suppress(OSError):
            socket.unlink(missing_ok=True)
            socket.parent.rmdir()

    def _call(self, method: str, *args: object) -> object:
        transport = UnixTransport(self._socket())
        try:
            with xmlrpc.client.ServerProxy("http://localhost", transport=transport) as server:
                return getattr(server.supervisor, method)(*args)
        except (OSError, http.client.HTTPException) as error:
            raise StackError(f"the stack in {self._data_dir} does not answer: {error}") from error

    def _socket(self) -> Path:
        # As it was written: the folder of temporary files may be another one for this command.
        parser = RawConfigParser()
        parser.read(self._configuration)
        written = parser.get("unix_http_server", "file", fallback="").replace("%%", "%")
        return Path(written) if written else socket_path(self._data_dir)

    def _environment(self) -> dict[str, str]:
        # Of another Dapr, or of a supervisord that runs us: neither is for this stack.
        foreign = ("DAPR_", "APP_API_TOKEN", "SUPERVISOR_", "USHER_REDIS_PASSWORD", "USHER_SECRET_")
        env = {key: value for key, value in os.environ.items() if not key.startswith(foreign)}
        secrets = ensure_secrets(self._data_dir)
        write_redis_file(self._data_dir, secrets)
        given = {secret_variable(name): value for name, value in secrets.variables().items()}
        return env | no_proxies(env) | given | {MARK: str(self._data_dir)}


def no_proxies(env: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that keep proxies away from this machine's own addresses.

    gRPC would ask a configured proxy for the sidecar next door, and Python for its health.
    """
    given = env.get("no_proxy", env.get("NO_PROXY", ""))
    direct = given if given == "*" else ",".join(filter(None, [given, *_DIRECT]))
    # gRPC reads a list of its own first, and knows no `*`.
    grpc = ",".join(filter(None, [env.get("no_grpc_proxy", given), *_DIRECT]))
    return {"no_proxy": direct, "NO_PROXY": direct, "no_grpc_proxy": grpc}


def _rendered(specs: Sequence[ProcessSpec], socket: Path) -> str:
    try:
        return render(specs, socket)
    except ValueError as error:
        raise StackError(str(error)) from error
