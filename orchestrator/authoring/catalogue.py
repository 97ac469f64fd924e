"""Finds every workflow and activity by scanning folders; a list kept by hand would rot."""

import ast
import inspect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any

from contracts.authoring import TAG, WorkflowTag
from contracts.fault import Fault
from contracts.identity import OWN_RUN
from contracts.routes.route import Route, of_workflow
from contracts.routes.routes_file import FILE
from orchestrator.authoring.callees import unknown_callees
from orchestrator.authoring.declared_routes import all_routes, line_of_trigger
from orchestrator.authoring.determinism import doubts, lint
from orchestrator.authoring.modules import (
    NotImported,
    beside,
    called_through,
    file_of,
    identity,
    load,
    tagged,
)
from orchestrator.authoring.signatures import activity_faults, workflow_faults
from orchestrator.authoring.source import Source
from orchestrator.authoring.subfolders import left_out
from orchestrator.authoring.yields import yields_no_task
from orchestrator.runs.definition import Definition
from orchestrator.runs.reserved import ANNOUNCE, CLAIM_CHILD, FENCE, SETTLE

SAMPLES = Path(__file__).parents[1] / "workflows"


class CatalogueError(Exception):
    """The workflows found cannot be served together; one line each: file, line and cause."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = faults


@dataclass(frozen=True)
class Catalogue:
    """Every workflow and activity, by name, and what their authors may want to look at again."""

    workflows: dict[str, Definition] = field(default_factory=dict)
    activities: dict[str, Callable[..., Any]] = field(default_factory=dict)
    doubts: tuple[Fault, ...] = ()
    routes: tuple[Route, ...] = ()
    code: str = ""
    """The same for the same files: what tells whether a run began with other code."""

    @classmethod
    def scan(
        cls, folders: Iterable[Path] = (), samples: bool = False, routes: Iterable[Path] | None = ()
    ) -> "Catalogue":
        """Import every file of `folders`, and the samples if `samples` is set or none is named.

        Files named `_…` are left out, except for what other files import from them. Routes are
        those of decorators, of `routes.yaml` in each folder, and of the files in `routes`; with
        None, no file of routes is read.

        Raise `CatalogueError` that holds every fault of every file.
        """
        folders = list(folders)
        scan, chosen = _Scan(), _once([SAMPLES, *folders] if samples or not folders else folders)
        for folder in chosen:
            scan.folder(folder)
        scan.callees()
        scan.left_out(chosen)
        files = [folder / FILE for folder in chosen if (folder / FILE).is_file()]
        files = [] if routes is None else [*files, *routes]
        served, faults = all_routes(scan.routes, files, scan.workflows)
        if faults := [*scan.faults, *faults]:
            raise CatalogueError(faults)
        return cls(scan.workflows, scan.activities, tuple(scan.doubts), served, scan.code())


class _Scan:
    """What has been found so far, and what is wrong with it."""

    def __init__(self) -> None:
        self.workflows: dict[str, Definition] = {}
        self.activities: dict[str, Callable[..., Any]] = {}
        self.faults: list[Fault] = []
        self.doubts: list[Fault] = []
        self.routes: list[Route] = []
        self._claimed: dict[str, tuple[tuple[object, ...], str]] = {}
        self._taken: set[tuple[object, ...]] = set()
        self._loaded: list[tuple[Path, ModuleType, Source]] = []
        self._sources: dict[Path, Source] = {}
        self._digests: dict[Path, bytes] = {}

    def folder(self, folder: Path) -> None:
        if not folder.is_dir():
            said = "there is no such folder of workflows; USHER_WORKFLOWS names it"
            self.faults.append(Fault(folder, said))
        files = sorted(f for f in folder.glob("*.py") if not f.name.startswith("_"))
        first = len(self._loaded)
        for file in files:
            try:
                module = load(file, ours=folder == SAMPLES)
            except NotImported as error:
                self.faults.append(error.fault)
                continue
            source = self._source(file)
            self._loaded.append((file, module, source))
            for function in _own(module):
                self._take(function, file, source)
        self._imported(folder, self._loaded[first:])

    def _imported(self, folder: Path, scanned: list[tuple[Path, ModuleType, Source]]) -> None:
        """Take what the files of a folder have imported from files beside them, or elsewhere."""
        there = {id(module) for _, module, _ in scanned}
        helpers = [module for module in beside(folder) if id(module) not in there]
        files = [(Path(str(module.__file__)), module) for module in helpers]
        for file, module in (*((file, module) for file, module, _ in scanned), *files):
            source = self._source(file)
            for function in (*tagged(module), *called_through(module, source.tree)):
                written = file_of(function, file)
                self._take(function, written, self._source(written))
            if module in helpers:
                self._loaded.append((file, module, source))

    def callees(self) -> None:
        """Look whether all is there that is called, once all files are known."""
        for _, module, source in self._loaded:
            self.faults += unknown_callees(module, source, self.activities, self.workflows)

    def left_out(self, folders: Iterable[Path]) -> None:
        """Name the files in sub-folders that nothing served."""
        said = "not served, as it is in a sub-folder: name that folder in USHER_WORKFLOWS"
        files = (file for folder in folders for file in left_out(folder))
        self.doubts += [Fault(file, said) for file in files if file not in self._sources]

    def code(self) -> str:
        """Return a digest of all that was read; where the files lie does not matter."""
        return sha256(b"".join(sorted(self._digests.values()))).hexdigest()[:16]

    def _source(self, file: Path) -> Source:
        if file not in self._sources:
            text = file.read_bytes()
            self._sources[file] = Source(file, ast.parse(text))
            self._digests[file] = sha256(text).digest()
        return self._sources[file]

    def _take(self, function: Callable[..., Any], file: Path, source: Source) -> None:
        if identity(function) in self._taken:
            return
        self._taken.add(identity(function))
        name = function.__name__
        code = getattr(inspect.unwrap(function), "__code__", None)
        node = source.function(name, code.co_firstlineno) if code else None
        line = node.lineno if node else None
        self._claim(function, file, line)
        tag = getattr(function, TAG)
        if isinstance(tag, WorkflowTag):
            definition = self.workflows[name] = Definition(function, tag, file)
            found = [Fault(file, said, line) for said in workflow_faults(definition)]
            if node:
                found += [*lint(source, node), *yields_no_task(source, node)]
                self.doubts += [fault.about(name) for fault in doubts(source, node)]
            routes, wrong = of_workflow(name, tag, file, line_of_trigger(node))
            self.routes += routes
            self.faults += wrong
        else:
            self.activities[name] = function
            found = [Fault(file, said, line) for said in activity_faults(function)]
        self.faults += [fault.about(name) for fault in found]

    def _claim(self, function: Callable[..., Any], file: Path, line: int | None) -> None:
        name, here = function.__name__, f"{file}:{line}"
        if name in (ANNOUNCE, CLAIM_CHILD, FENCE, OWN_RUN, SETTLE):
            self.faults.append(Fault(file, f"the name {name!r} is Usher's own", line))
        claimant, there = self._claimed.setdefault(name, (identity(function), here))
        if claimant != identity(function):
            said = f"the name {name!r} is claimed here and in {there}: rename one of them"
            self.faults.append(Fault(file, said, line))


def _once(folders: Iterable[Path]) -> Iterable[Path]:
    found: dict[Path, Path] = {}
    for folder in folders:
        found.setdefault(folder.resolve(), folder.absolute())
    return found.values()


def _own(module: ModuleType) -> Iterator[Callable[..., Any]]:
    """Find what a file defines itself: where two names clash, it comes before what is imported."""
    return (value for value in tagged(module) if value.__module__ == module.__name__)
