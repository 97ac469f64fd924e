"""What a command imports before it does its work: it starts fast, as that is little."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.repo.files import ROOT
from usher.session import STACK_EXTRA

SERVICES = {"dapr", "fastapi", "grpc", "jinja2", "notifier", "opentelemetry", "orchestrator"}
SERVICES |= {"starter", "uvicorn"}
HEAVY = {*SERVICES, *STACK_EXTRA, "httpx", "pydantic", "redis"}
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
        (("logs",), {"pydantic", *STACK_EXTRA}),
    ],
)
def test_a_command_imports_what_it_needs(
    words: tuple[str, ...], needed: set[str], tmp_path: Path
) -> None:
    assert imported(tmp_path, *words) & {*HEAVY, "typer"} == {*needed, "typer"}


WITHOUT = """
import sys
sys.modules.update(dict.fromkeys(sys.argv.pop(1).split()))
from usher.commands.app import app
app()
"""


@pytest.mark.parametrize("command", ["up", "down", "logs", "demo"])
def test_without_its_extra_the_embedded_stack_says_what_to_install(
    command: str, tmp_path: Path
) -> None:
    told = subprocess.run(
        [sys.executable, "-c", WITHOUT, " ".join(STACK_EXTRA), command],
        env={"USHER_DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (told.returncode, told.stdout) == (1, "")
    (line,) = told.stderr.splitlines()
    assert "usher-dapr[stack]" in line


def test_the_extra_is_what_its_commands_look_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extra = {one.partition(">=")[0] for one in project["optional-dependencies"]["stack"]}
    assert extra == STACK_EXTRA
