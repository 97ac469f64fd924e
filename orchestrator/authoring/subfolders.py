"""Finds workflow files in sub-folders, which are not scanned, so that a warning can name them."""

import ast
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def files_in_subfolders(folder: Path) -> Iterator[Path]:
    """Find the files in sub-folders of `folder` that define a workflow.

    Sub-folders named `.…` or `_…` and virtual environments are skipped.
    """
    for place, folders, files in os.walk(folder):
        here = Path(place)
        folders[:] = sorted(name for name in folders if _may_hold_workflows(here / name))
        if here != folder:
            yield from (here / name for name in sorted(files) if _has_workflow(here / name))


def _may_hold_workflows(folder: Path) -> bool:
    return not folder.name.startswith((".", "_")) and not (folder / "pyvenv.cfg").exists()


def _has_workflow(file: Path) -> bool:
    """Return whether a file has `@workflow()` at its top level; False if it cannot be read."""
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
