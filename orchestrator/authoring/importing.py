"""Imports one workflow file; where that fails, says which line of the file it was."""

import importlib.util
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from orchestrator.authoring.fault import Problem

_OURS = "orchestrator.workflows"


class NotImported(Exception):
    """A file cannot be imported. Carries the problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def load(file: Path, *, ours: bool) -> ModuleType:
    """Import a file: one of ours by its package name, a user's by its path.

    Raise `NotImported` for whatever goes wrong in it, `sys.exit` included.
    """
    if ours:
        return _guarded(file, lambda: importlib.import_module(f"{_OURS}.{file.stem}"))
    if str(file.parent) not in sys.path:
        sys.path.append(str(file.parent))  # so that a workflow can import the files beside it
    name = f"usher_workflows.{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise NotImported(Problem(file, "this is no Python file"))
    module = importlib.util.module_from_spec(spec)
    loader = spec.loader
    sys.modules[name] = module  # where dataclasses and models look up the types they name

    def run() -> ModuleType:
        try:
            loader.exec_module(module)
        except BaseException:
            del sys.modules[name]  # as Python itself does with what it could not import
            raise
        return module

    return _guarded(file, run)


def _guarded(file: Path, load_it: Callable[[], ModuleType]) -> ModuleType:
    try:
        return load_it()
    except (Exception, SystemExit) as error:
        message = f"cannot be imported: {type(error).__name__}: {error}"
        raise NotImported(Problem(file, message, _line(file, error))) from error


def _line(file: Path, error: BaseException) -> int | None:
    """Return the line of `file` that the error came from."""
    if isinstance(error, SyntaxError) and error.filename == str(file):
        return error.lineno
    frames = traceback.extract_tb(error.__traceback__)
    return next((f.lineno for f in reversed(frames) if f.filename == str(file)), None)
