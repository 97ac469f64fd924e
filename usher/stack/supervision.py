"""Starts supervisord for one data folder, and controls it over its unix socket."""

import http.client
import os
import subprocess
import sys
import xmlrpc.client
from collections.abc import Mapping, Sequence
from configparser import RawConfigParser
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, cast

import psutil
from supervisor.xmlrpc import Faults  # type: ignore[import-untyped]

from usher.stack.conf import LOGS, PIDFILE, render, secret_variable
from usher.stack.errors import StackError
from usher.stack.ownership import MARK, alive, name_of
from usher.stack.secrets import ensure_secrets, write_redis_file
from usher.stack.settings import LOOPBACK
from usher.stack.spec import ProcessSpec
from usher.stack.unixsocket import UnixTransport, make_private, poke, socket_path
from usher.stack.wait import wait_until

_DIRECT = (LOOPBACK, "localhost")


class State(NamedTuple):
    """One process as supervisord sees it."""

    word: str
    """STOPPED, STARTING, RUNNING, BACKOFF, STOPPING, EXITED (about to be restarted) or FATAL."""
    pid: int
    """0 if the process does not run."""
    started: int
    """Unix time of its last start, in seconds. It changes with each restart."""


class Supervisor:
    """The supervisord of one data folder, whether it runs or not."""

    def __init__(self, data_dir: Path, redis_password: str | None = None) -> None:
        """`redis_password` is that of a Redis that the stack does not run itself."""
        self._data_dir = data_dir
        self._redis_password = redis_password
        self._configuration = data_dir / "supervisord.conf"

    def process(self) -> psutil.Process | None:
        """Return supervisord, if the process in its pid file is supervisord and runs."""
        try:
            found = psutil.Process(int((self._data_dir / PIDFILE).read_text()))
        except (OSError, ValueError, psutil.NoSuchProcess):
            return None
        return found if name_of(found, self._data_dir) == "" and alive(found) else None

    def runs_with(self, specs: Sequence[ProcessSpec]) -> bool:
        """Return whether it was launched with the configuration of `specs`."""
        return self._configuration.read_text() == _rendered(specs, self._socket())

    def launch(self, specs: Sequence[ProcessSpec]) -> None:
        """Start supervisord as a daemon, with none of `specs` started yet. Raises StackError.

        The daemon leaves this session and inherits no descriptors. The launching command returns
        once the socket listens, so its errors are raised here.
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
        """Return every process of the configuration by name. Raises StackError."""
        infos = cast(list[dict[str, Any]], self._call("getAllProcessInfo"))
        return {i["name"]: State(i["statename"], i["pid"], i["start"]) for i in infos}

    def start(self, name: str) -> bool:
        """Start one process without waiting for it. Return False if it runs already."""
        try:
            self._call("startProcess", name, False)
        except xmlrpc.client.Fault as fault:
            if fault.faultCode == Faults.ALREADY_STARTED:
                return False
            # A process that died at once is no fault: supervisord restarts it.
            if fault.faultCode != Faults.SPAWN_ERROR:
                raise StackError(f"{name} cannot be started: {fault.faultString}") from fault
        return True

    def stop(self, name: str, seconds: float) -> None:
        """Stop one process until `start`. Raises StackError after `seconds`."""

        def stopped() -> bool:
            word = self.states()[name].word
            if word in ("RUNNING", "STARTING", "BACKOFF"):
                # The process may die between the two calls. The next round looks again.
                try:
                    self._call("stopProcess", name, False)
                except xmlrpc.client.Fault as fault:
                    if fault.faultCode != Faults.NOT_RUNNING:
                        raise
            return word in ("STOPPED", "FATAL")

        if not wait_until(stopped, seconds):
            raise StackError(f"{name} does not stop")

    def nudge(self) -> None:
        """Make supervisord check its processes now, not at its next tick, once a second."""
        poke(self._socket())

    def tidy(self) -> None:
        """Remove the socket and its folder after supervisord has ended."""
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
        # From the configuration, because this command may have another folder for temporary files.
        parser = RawConfigParser()
        parser.read(self._configuration)
        written = parser.get("unix_http_server", "file", fallback="").replace("%%", "%")
        return Path(written) if written else socket_path(self._data_dir)

    def _environment(self) -> dict[str, str]:
        # Variables of another Dapr, or of a supervisord that runs this command.
        foreign = ("DAPR_", "APP_API_TOKEN", "SUPERVISOR_", "USHER_REDIS_", "USHER_SECRET_")
        env = {key: value for key, value in os.environ.items() if not key.startswith(foreign)}
        secrets = ensure_secrets(self._data_dir)
        write_redis_file(self._data_dir, secrets)
        if self._redis_password is not None:
            secrets = replace(secrets, redis_password=self._redis_password)
        own = {secret_variable(name): value for name, value in secrets.variables().items()}
        return env | no_proxies(env) | own | {MARK: str(self._data_dir)}


def no_proxies(env: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that exclude loopback addresses from proxies.

    Otherwise gRPC and Python would send calls to the sidecar through a configured proxy.
    """
    excluded = env.get("no_proxy", env.get("NO_PROXY", ""))
    direct = excluded if excluded == "*" else ",".join(filter(None, [excluded, *_DIRECT]))
    # gRPC prefers a list of its own, in which `*` has no meaning.
    grpc = ",".join(filter(None, [env.get("no_grpc_proxy", excluded), *_DIRECT]))
    return {"no_proxy": direct, "NO_PROXY": direct, "no_grpc_proxy": grpc}


def _rendered(specs: Sequence[ProcessSpec], socket: Path) -> str:
    try:
        return render(specs, socket)
    except ValueError as error:
        raise StackError(str(error)) from error
