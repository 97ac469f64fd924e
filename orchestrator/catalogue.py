"""Finds every workflow and activity by scanning folders; a list kept by hand would rot."""

import importlib.util
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from orchestrator.definition import Definition
from orchestrator.registry import TAG, ActivityTag, WorkflowTag

WORKFLOWS = Path(__file__).parent / "workflows"


class CatalogueError(Exception):
    """The workflows found cannot be served together; names each file and cause."""


@dataclass(frozen=True)
class Catalogue:
    """Every workflow and activity, by name."""

    workflows: dict[str, Definition] = field(default_factory=dict)
    activities: dict[str, Callable[..., Any]] = field(default_factory=dict)

    @classmethod
    def scan(cls, folders: Iterable[Path] = ()) -> "Catalogue":
        """Import every file of our own folder and of `folders`; files named `_…` are left out."""
        found = cls()
        claimed: dict[str, Path] = {}
        for file in _files([WORKFLOWS, *folders]):
            for name, function in _tagged(_load(file)):
                if name in claimed:
                    raise CatalogueError(f"two files claim {name!r}: {claimed[name]} and {file}")
                claimed[name] = file
                tag = getattr(function, TAG)
                if isinstance(tag, WorkflowTag):
                    found.workflows[name] = Definition(function, tag, file)
                else:
                    found.activities[name] = function
        return found


def _files(folders: Iterable[Path]) -> Iterator[Path]:
    for folder in folders:
        if not folder.is_dir():
            raise CatalogueError(f"no such folder of workflows: {folder}; see USHER_WORKFLOWS")
        yield from sorted(f for f in folder.glob("*.py") if not f.name.startswith("_"))


def _load(file: Path) -> ModuleType:
    """Import a file: our own by its package name, a user's by its path."""
    if file.parent == WORKFLOWS:
        return importlib.import_module(f"orchestrator.workflows.{file.stem}")
    if str(file.parent) not in sys.path:
        sys.path.append(str(file.parent))  # so that a workflow can import the files beside it
    name = f"usher_workflows.{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise CatalogueError(f"{file}: not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise CatalogueError(f"{file}: {type(error).__name__}: {error}") from error
    return module


def _tagged(module: ModuleType) -> Iterator[tuple[str, Callable[..., Any]]]:
    for value in vars(module).values():
        tag = getattr(value, TAG, None)
        if isinstance(tag, WorkflowTag | ActivityTag) and value.__module__ == module.__name__:
            yield value.__name__, value
