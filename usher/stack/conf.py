"""Writes supervisord's configuration: one program for each process."""

import os
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from usher.stack.spec import ProcessSpec

# Relative to the data folder, which is supervisord's working folder. So nothing needs quotes.
LOGS = Path("logs")
PIDFILE = Path("supervisord.pid")

_DAEMON = """\
[supervisord]
logfile={logs}/supervisord.log
logfile_maxbytes=5MB
logfile_backups=1
pidfile={pidfile}
nocleanup=true
{user}
[unix_http_server]
file={socket}

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[rpcinterface:backoff]
supervisor.rpcinterface_factory=usher.stack.backoff:plug_in
"""

# After a death within `startsecs`, supervisord waits before the next start, and usher.stack.backoff
# bounds the wait. After a later death it restarts at once. `startretries` makes it try for ever.
_PROGRAM = """
[program:{name}]
command={command}
environment={environment}
priority={priority}
autostart=false
autorestart=true
startsecs=5
startretries=1000000000
stopwaitsecs={stop_seconds}
stopsignal={stop_signal}
killasgroup=true
redirect_stderr=true
stdout_logfile={logs}/{name}.log
stdout_logfile_maxbytes=10MB
stdout_logfile_backups=2
"""


def render(specs: Sequence[ProcessSpec], socket: Path) -> str:
    """Return the configuration for `specs`, controlled over `socket`.

    supervisord stops programs one after the other, from the last of `specs` to the first, because
    the last has the highest priority. Raises ValueError for what the format cannot hold: line
    breaks; in variables also double quotes, quotes at an end, and ` #` or ` ;`.
    """
    # As root, supervisord logs a warning at each start unless `user` is set.
    user = f"user={os.getuid()}\n" if os.getuid() == 0 else ""
    head = _DAEMON.format(
        logs=LOGS, pidfile=PIDFILE, user=user, socket=str(socket).replace("%", "%%")
    )
    return head + "".join(
        _PROGRAM.format(
            name=spec.name,
            command=_command(spec.argv),
            environment=_environment(spec.env, spec.secrets),
            priority=priority,
            stop_seconds=spec.stop_seconds,
            stop_signal=spec.stop_signal,
            logs=LOGS,
        )
        for priority, spec in enumerate(specs)
    )


def _command(argv: Sequence[str]) -> str:
    # ` #` and ` ;` start a comment, even in quotes: `'a #b'` is written `'a ''#b'`.
    line = re.sub(r"(\s)([;#])", r"\1''\2", shlex.join(argv))
    if "\n" in line or "\r" in line:
        raise ValueError(f"supervisord cannot pass a line break to a process: {line!r}")
    return line.replace("%", "%%")


def secret_variable(name: str) -> str:
    """Return the variable of supervisord's own environment that holds a secret."""
    return f"USHER_SECRET_{name}"


def _environment(env: Mapping[str, str], secrets: Sequence[str]) -> str:
    for key, value in env.items():
        if re.search(r"""["\r\n]|\s[;#]|^'|'$""", value):
            raise ValueError(f"supervisord cannot pass this on: {key}={value!r}")
    plain = [f'{key}="{value}"'.replace("%", "%%") for key, value in env.items()]
    # supervisord inserts the secrets when it reads this file, so the file holds none.
    return ",".join([*plain, *(f'{name}="%(ENV_{secret_variable(name)})s"' for name in secrets)])
