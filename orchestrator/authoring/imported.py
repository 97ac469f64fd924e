"""What workflow files import from other files: activities and workflows that are tagged there.

People put what several workflows share into a file beside them. Whatever a workflow file has
imported when it is loaded counts: by name, as an attribute of a module, or through another file.
"""

import ast
import inspect
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from contracts.authoring import TAG, ActivityTag, WorkflowTag

Function = Callable[..., Any]


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


def _is_in(module: object, root: Path) -> bool:
    name = getattr(module, "__file__", None)
    if not isinstance(module, ModuleType) or not isinstance(name, str):
        return False
    file = Path(name)
    # A folder may hold the virtual environment, too.
    return root in file.parents and file.suffix == ".py" and "site-packages" not in file.parts
