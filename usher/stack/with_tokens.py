"""`python -m usher.stack.with_tokens PROGRAM …`: run a program with its installation's tokens.

For docker compose, where no command runs before `docker compose up`. The first container makes the
tokens, in the volume that `USHER_SECRETS_DIR` names, and the others read them. They are in no
configuration and on no command line. A token in the environment takes precedence.
"""

import fcntl
import os
import sys
from pathlib import Path

from usher.stack.secrets import APP_TOKEN, SIDECAR_TOKEN, ensure_secrets


def main(argv: list[str]) -> None:
    folder = Path(os.environ["USHER_SECRETS_DIR"])
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = ensure_secrets(folder).variables()
    tokens = {name: os.environ.get(name) or made[name] for name in (SIDECAR_TOKEN, APP_TOKEN)}
    os.execvpe(argv[0], argv, {**os.environ, **tokens})


if __name__ == "__main__":
    main(sys.argv[1:])
