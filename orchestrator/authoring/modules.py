"""Imports workflow files as Python modules, and finds the tagged functions in them.

A function that a workflow file imports counts, too: by name, as an attribute of a module, or
through another file. So authors can share code in a file beside their workflows.
"""

import ast
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from contracts.authoring import TAG, ActivityTag, WorkflowTag
from contracts.fault import Fault

Function = Callable[..., Any]

_SAMPLES = "orchestrator.workflows"


class NotImported(Exception):
    """A file cannot be imported. `fault` says why."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault))
        self.fault = fault


def load(file: Path, *, sample: bool) -> ModuleType:
    """Import a file: a sample by its package name, an author's file by its path.

    Raise `NotImported` if the import fails or calls `sys.exit`.
    """
    if sample:
        return _guarded(file, lambda: importlib.import_module(f"{_SAMPLES}.{file.stem}"))
    if str(file.parent) not in sys.path:
        sys.path.append(str(file.parent))  # so that a workflow can import files of its folder
    name = f"usher_workflows.{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise NotImported(Fault(file, "this is no Python file"))
    module = importlib.util.module_from_spec(spec)
    loader = spec.loader
    sys.modules[name] = module  # dataclasses and models look up types here

    def run() -> ModuleType:
        try:
            loader.exec_module(module)
        except BaseException:
            del sys.modules[name]  # as Python does after a failed import
            raise
        return module

    return _guarded(file, run)


def tag_of(value: object) -> WorkflowTag | ActivityTag | None:
    """Return the tag that a decorator of Usher set on a function, or None."""
    found = getattr(value, TAG, None) if callable(value) else None
    return found if isinstance(found, WorkflowTag | ActivityTag) else None


def tagged(module: ModuleType) -> Iterator[Function]:
    """Find the tagged functions among the names of a module, each once."""
    for value in {id(value): value for value in vars(module).values()}.values():
        if tag_of(value):
            yield value


def called_through(module: ModuleType, tree: ast.Module) -> Iterator[Function]:
    """Find the tagged functions that a file names as attributes of modules: `helpers.charge`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            value = resolve(module, node)
            if tag_of(value):
                yield value


def resolve(module: ModuleType, node: ast.expr) -> Any:
    """Return the value of `helpers.charge` or `charge` at a file's top level, or None."""
    match node:
        case ast.Name(id=name):
            return vars(module).get(name)
        case ast.Attribute(value=inner, attr=name):
            owner = resolve(module, inner)
            return vars(owner).get(name) if isinstance(owner, ModuleType) else None
    return None


def modules_in(folder: Path) -> list[ModuleType]:
    """Return the loaded modules whose file is in a folder or below it."""
    root = folder.resolve()
    return [module for module in list(sys.modules.values()) if _is_in(module, root)]


def identity(function: Function) -> tuple[object, ...]:
    """Return what identifies a function: where it is defined, and its name.

    A file that is scanned and also imported by another is loaded twice. Its functions are the same.
    """
    code = getattr(inspect.unwrap(function), "__code__", None)
    if code is None:
        return (id(function),)
    place = str(Path(code.co_filename).resolve()), code.co_firstlineno, code.co_qualname
    return (*place, function.__name__)  # a factory defines many functions at one place


def file_of(function: Function, otherwise: Path) -> Path:
    """Return the file that defines a function, or `otherwise` if that is unknown."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    file = Path(code.co_filename) if code else otherwise
    return file if file.is_file() else otherwise


def _guarded(file: Path, load_it: Callable[[], ModuleType]) -> ModuleType:
    try:
        return load_it()
    except (Exception, SystemExit) as error:
        message = f"cannot be imported: {type(error).__name__}: {error}"
        raise NotImported(Fault(file, message, _line(file, error))) from error


def _line(file: Path, error: BaseException) -> int | None:
    """Return the line of `file` that the error came from."""
    if isinstance(error, SyntaxError) and error.filename == str(file):
        return error.lineno
    frames = traceback.extract_tb(error.__traceback__)
    return next((f.lineno for f in reversed(frames) if f.filename == str(file)), None)


def _is_in(module: object, root: Path) -> bool:
    name = getattr(module, "__file__", None)
    if not isinstance(module, ModuleType) or not isinstance(name, str):
        return False
    file = Path(name)
    # A folder may hold the virtual environment, too.
    return root in file.parents and file.suffix == ".py" and "site-packages" not in file.parts
