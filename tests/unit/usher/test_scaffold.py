"""A new workflow is written whole: it passes the linters, the types and its own test."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from usher.commands.app import app
from usher.errors import BadInput, CommandError
from usher.scaffold import CHECKOUT, new_workflow


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with one workflow of its own, which is not the one these tests run from."""
    root = tmp_path / "checkout"
    for needed in ("tests/support/replay.py", "orchestrator/workflows/hello_workflow.py"):
        (root / needed).parent.mkdir(parents=True)
        shutil.copy(CHECKOUT / needed, root / needed)
    return root


def run(*command: object) -> None:
    """Run one of the tools with this project's configuration."""
    tool = subprocess.run(
        [sys.executable, "-m", *map(str, command)],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=120,
        env={k: v for k, v in os.environ.items() if not k.startswith("PYTEST")},
    )
    assert tool.returncode == 0, tool.stdout + tool.stderr


@pytest.mark.parametrize("name", ["a", "order_intake", "x" * 30])
def test_what_is_written_passes_linters_types_and_its_own_test(tmp_path: Path, name: str) -> None:
    written = new_workflow(name, tmp_path / "mine")
    files = (written.file, written.test)
    config = CHECKOUT / "pyproject.toml"
    run("ruff", "check", "--config", config, *files)
    run("ruff", "format", "--check", "--config", config, *files)
    run("mypy", "--config-file", config, *files)
    run("pytest", "-q", "-p", "no:cacheprovider", "-c", config, written.test)


def test_in_a_checkout_the_test_goes_to_the_others(checkout: Path) -> None:
    written = new_workflow("order_intake", checkout=checkout)
    assert written.file == checkout / "orchestrator/workflows/order_intake_workflow.py"
    assert written.test == checkout / "tests/unit/test_order_intake_workflow.py"
    for file in (written.file, written.test):
        run("ruff", "check", "--config", CHECKOUT / "pyproject.toml", file)
        compile(file.read_text(), file, "exec")
    assert "scan()" in written.test.read_text()


def test_the_name_may_end_as_the_files_name_does(checkout: Path) -> None:
    assert new_workflow("pay_workflow", checkout=checkout).file.name == "pay_workflow.py"


@pytest.mark.parametrize(
    "name",
    ["", "_workflow", "Order", "2nd", "a-b", "a__b", "_a", "a/b", "../a", "a b", "é", "x" * 31],
)
def test_a_name_that_will_not_do_is_refused(checkout: Path, name: str) -> None:
    with pytest.raises(BadInput, match="no name for a workflow"):
        new_workflow(name, checkout=checkout)


@pytest.mark.parametrize("kept", ["file", "test"])
def test_a_file_that_is_there_is_left_alone(tmp_path: Path, kept: str) -> None:
    written = new_workflow("again", tmp_path)
    other = written.test if kept == "file" else written.file
    other.unlink()
    file: Path = getattr(written, kept)
    file.write_text("mine")
    with pytest.raises(BadInput, match=str(file)):
        new_workflow("again", tmp_path)
    assert file.read_text() == "mine"
    assert not other.exists()


def test_a_name_that_another_file_claims_is_refused(checkout: Path, tmp_path: Path) -> None:
    theirs = checkout / "orchestrator/workflows/hello_workflow.py"
    theirs.rename(theirs.with_name("other.py"))
    for folder in (None, tmp_path / "mine"):
        with pytest.raises(BadInput, match=r"hello_activity is taken, in .*other\.py"):
            new_workflow("hello", folder, checkout)
    assert not (tmp_path / "mine").exists()


def test_outside_of_a_checkout_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="checkout of Usher"):
        new_workflow("order", tmp_path, checkout=tmp_path)


def test_the_command_tells_what_it_wrote_and_what_comes_next(tmp_path: Path) -> None:
    told = CliRunner().invoke(app, ["new-workflow", "order_intake", "--dir", str(tmp_path)])
    assert told.exit_code == 0, told.output
    assert str(tmp_path / "order_intake_workflow.py") in told.stdout
    assert f"USHER_WORKFLOWS={tmp_path} make down up" in told.stdout
    again = CliRunner().invoke(app, ["new-workflow", "order_intake", "--dir", str(tmp_path)])
    assert again.exit_code == 2
    assert "is there already" in again.stderr
