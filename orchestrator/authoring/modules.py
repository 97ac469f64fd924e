"""The files of workflows as Python modules: how one is imported, and which functions it brings.

Whatever a workflow file has imported counts: by name, as an attribute of a module, or through
another file. So people put what several workflows share into a file beside them.
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

_OURS = "orchestrator.workflows"


class NotImported(Exception):
    """A file cannot be imported. Carries the fault."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault))
        self.fault = fault


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
        raise NotImported(Fault(file, "this is no Python file"))
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


def tag_of(value: object) -> WorkflowTag | ActivityTag | None:
    """Return the tag of a function that has one."""
    found = getattr(value, TAG, None) if callable(value) else None
    return found if isinstance(found, WorkflowTag | ActivityTag) else None


def tagged(module: ModuleType) -> Iterator[Function]:
    """Find the tagged functions that a module has a name for, each once."""
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
    """Return what `helpers.charge` or `charge` stands for at a file's top level, or None."""
    match node:
        case ast.Name(id=name):
            return vars(module).get(name)
        case ast.Attribute(value=inner, attr=name):
            owner = resolve(module, inner)
            return vars(owner).get(name) if isinstance(owner, ModuleType) else None
    return None


def beside(folder: Path) -> list[ModuleType]:
    """Return the modules loaded by now whose file is somewhere in a folder."""
    root = folder.resolve()
    return [module for module in list(sys.modules.values()) if _is_in(module, root)]


def identity(function: Function) -> tuple[object, ...]:
    """Return what tells one function from another of its name: the place it is written at.

    A file that is scanned, and imported by another, is loaded twice: its functions are the same.
    """
    code = getattr(inspect.unwrap(function), "__code__", None)
    if code is None:
        return (id(function),)
    place = str(Path(code.co_filename).resolve()), code.co_firstlineno, code.co_qualname
    return (*place, function.__name__)  # a factory writes many at one place, and names each


def file_of(function: Function, otherwise: Path) -> Path:
    """Return the file a function is written in, or `otherwise` where that cannot be told."""
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
