"""Runs the `usher` command against a running stack, as a user would."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.support.driver import Driver
from usher.stack.kafka import address
from usher.urls import redis_address


def command_line(
    usher: Driver, *words: str, database: int | None = None
) -> tuple[list[str], dict[str, str]]:
    """Return a command with `--json`, and its environment.

    `database` is the Redis database that the command takes for the broker's, if not that one.
    """
    urls = {
        f"USHER_{name.upper()}_URL": usher.url(name, "")
        for name in ("starter", "orchestrator", "notifier")
    }
    redis = redis_address(usher.settings)
    redis = replace(redis, db=redis.db if database is None else database)
    urls |= redis.variables() | {"USHER_REDIS_PASSWORD": redis.password}
    urls["USHER_KAFKA_BROKERS"] = address(usher.settings)
    urls["USHER_TOPIC_PREFIX"] = usher.settings.topic_prefix
    urls |= {"USHER_BROKER": usher.settings.broker, "USHER_STATE": usher.settings.state}
    command = [str(Path(sys.executable).with_name("usher")), *words, "--json"]
    return command, {**os.environ, **urls}


def run_usher(
    usher: Driver, *words: str, code: int | None = 0, database: int | None = None
) -> dict[str, Any]:
    """Run it; return its answer, having checked its exit code (None: any)."""
    command, environment = command_line(usher, *words, database=database)
    told = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert code in (None, told.returncode), told.stdout + told.stderr
    answer: dict[str, Any] = json.loads(told.stdout)
    return answer
