"""Workflow files in sub-folders of a scanned folder: they are not served, and are named."""

import ast
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def left_out(folder: Path) -> Iterator[Path]:
    """Find the files below a folder, but not in it, that declare a workflow.

    Folders whose names begin with `.` or `_` are passed over, as are virtual environments.
    """
    for place, folders, files in os.walk(folder):
        here = Path(place)
        folders[:] = sorted(name for name in folders if _may_hold_workflows(here / name))
        if here != folder:
            yield from (here / name for name in sorted(files) if _declares(here / name))


def _may_hold_workflows(folder: Path) -> bool:
    return not folder.name.startswith((".", "_")) and not (folder / "pyvenv.cfg").exists()


def _declares(file: Path) -> bool:
    """Tell whether a file has `@workflow()` at its top level. False if the file cannot be read."""
    if file.suffix != ".py" or file.name.startswith("_"):
        return False
    with suppress(OSError, SyntaxError, ValueError, RecursionError):
        for node in ast.parse(file.read_bytes()).body:
            if isinstance(node, ast.FunctionDef) and any(map(_is_workflow, node.decorator_list)):
                return True
    return False


def _is_workflow(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return "workflow" in (getattr(called, "id", None), getattr(called, "attr", None))
