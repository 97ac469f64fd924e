"""What a command imports before it does its work: it starts fast, as that is little."""

import subprocess
import sys
from pathlib import Path

import pytest

SERVICES = {"dapr", "fastapi", "grpc", "jinja2", "notifier", "opentelemetry", "orchestrator"}
SERVICES |= {"starter", "uvicorn"}
STACK = {"filelock", "psutil", "supervisor", "uv"}
HEAVY = {*SERVICES, *STACK, "httpx", "pydantic", "redis"}
VALIDATES = {"pydantic"}
"""Typer checks each argument with it, so a wrong command line is told after its import."""
ASKS = {"httpx", "pydantic"}


def imported(folder: Path, *words: str) -> set[str]:
    """Run `usher` and return the top names of the modules that were imported."""
    told = subprocess.run(
        [sys.executable, "-X", "importtime", Path(sys.executable).with_name("usher"), *words],
        env={"USHER_STARTER_URL": "http://127.0.0.1:1", "USHER_DATA_DIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    lines = [line for line in told.stderr.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}


@pytest.mark.parametrize(
    ("words", "needed"),
    [
        (("--help",), set()),
        (("--version",), set()),
        (("publish", "--help"), VALIDATES),
        (("no-such-command",), VALIDATES),
        (("publish",), VALIDATES),
        (("status", "trip-1"), ASKS),
        (("logs",), {"pydantic", "filelock", "psutil", "supervisor"}),
    ],
)
def test_a_command_imports_what_it_needs(
    words: tuple[str, ...], needed: set[str], tmp_path: Path
) -> None:
    assert imported(tmp_path, *words) & {*HEAVY, "typer"} == {*needed, "typer"}
