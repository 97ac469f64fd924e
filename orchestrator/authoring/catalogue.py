"""The catalogue of workflows and activities, found by scanning folders."""

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
from orchestrator.authoring.callees import unknown_callees
from orchestrator.authoring.declared_routes import RouteSources, line_of_trigger
from orchestrator.authoring.determinism import likely_mistakes, lint
from orchestrator.authoring.modules import (
    NotImported,
    called_through,
    file_of,
    identity,
    load,
    modules_in,
    tagged,
)
from orchestrator.authoring.signatures import activity_faults, workflow_faults
from orchestrator.authoring.source import Source
from orchestrator.authoring.subfolders import files_in_subfolders
from orchestrator.authoring.yields import yields_no_task
from orchestrator.runs.definition import Definition
from orchestrator.runs.reserved import ANNOUNCE, CLAIM_CHILD, FENCE, SETTLE

SAMPLES = Path(__file__).parents[1] / "workflows"


class CatalogueError(Exception):
    """The workflows found cannot be served. One line for each fault: file, line and cause."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = faults


@dataclass(frozen=True)
class Catalogue:
    """Every workflow and activity by name, and warnings for their authors."""

    workflows: dict[str, Definition] = field(default_factory=dict)
    activities: dict[str, Callable[..., Any]] = field(default_factory=dict)
    warnings: tuple[Fault, ...] = ()
    routes: tuple[Route, ...] = ()
    """As they were declared at the scan."""
    sources: RouteSources = field(default_factory=RouteSources)
    code: str = ""
    """Digest of the files. It shows whether a run began with other code."""

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
        folders, scan = list(folders), _Scan()
        chosen = _distinct([SAMPLES, *folders] if samples or not folders else folders)
        for folder in chosen:
            scan.folder(folder)
        scan.check_callees()
        scan.warn_of_subfolders(chosen)
        files = None if routes is None else tuple(routes)
        sources = RouteSources(tuple(scan.routes), tuple(chosen), files)
        served, faults = sources.read(scan.workflows, whole=not scan.not_imported)
        if faults := [*scan.faults, *faults]:
            raise CatalogueError(faults)
        warnings, code = tuple(scan.warnings), scan.code()
        return cls(scan.workflows, scan.activities, warnings, served, sources, code)

    def read_routes(self) -> tuple[Route, ...]:
        """Return the routes as files declare them now. Raises `CatalogueError` with every fault."""
        routes, faults = self.sources.read(self.workflows)
        if faults:
            raise CatalogueError(faults)
        return routes


class _Scan:
    """A scan under way: what it has found, the faults and the warnings."""

    def __init__(self) -> None:
        self.workflows: dict[str, Definition] = {}
        self.activities: dict[str, Callable[..., Any]] = {}
        self.faults: list[Fault] = []
        self.warnings: list[Fault] = []
        self.routes: list[Route] = []
        self.not_imported = False
        """Whether a file could not be imported, so that workflows may be missing."""
        self._claimed: dict[str, tuple[tuple[object, ...], str]] = {}
        self._added: set[tuple[object, ...]] = set()
        self._loaded: list[tuple[Path, ModuleType, Source]] = []
        self._sources: dict[Path, Source] = {}
        self._digests: dict[Path, bytes] = {}

    def folder(self, folder: Path) -> None:
        if not folder.is_dir():
            message = "USHER_WORKFLOWS names this folder, and it does not exist"
            self.faults.append(Fault(folder, message))
        files = sorted(f for f in folder.glob("*.py") if not f.name.startswith("_"))
        first = len(self._loaded)
        for file in files:
            try:
                module = load(file, sample=folder == SAMPLES)
            except NotImported as error:
                self.faults.append(error.fault)
                self.not_imported = True
                continue
            source = self._source(file)
            self._loaded.append((file, module, source))
            for function in _defined_in(module):
                self._add(function, file, source)
        self._add_imported(folder, self._loaded[first:])

    def _add_imported(self, folder: Path, scanned: list[tuple[Path, ModuleType, Source]]) -> None:
        """Add the functions that the files of a folder import, wherever they are defined."""
        known = {id(module) for _, module, _ in scanned}
        helpers = [module for module in modules_in(folder) if id(module) not in known]
        files = [(Path(str(module.__file__)), module) for module in helpers]
        for file, module in (*((file, module) for file, module, _ in scanned), *files):
            source = self._source(file)
            for function in (*tagged(module), *called_through(module, source.tree)):
                defined = file_of(function, file)
                self._add(function, defined, self._source(defined))
            if module in helpers:
                self._loaded.append((file, module, source))

    def check_callees(self) -> None:
        """Find calls of unregistered functions. Call this when all files are loaded."""
        for _, module, source in self._loaded:
            self.faults += unknown_callees(module, source, self.activities, self.workflows)

    def warn_of_subfolders(self, folders: Iterable[Path]) -> None:
        """Warn of workflow files in sub-folders that no file imports."""
        message = "not served, as it is in a sub-folder: name that folder in USHER_WORKFLOWS"
        files = (file for folder in folders for file in files_in_subfolders(folder))
        self.warnings += [Fault(file, message) for file in files if file not in self._sources]

    def code(self) -> str:
        """Return a digest of the files that were read. It does not depend on their paths."""
        return sha256(b"".join(sorted(self._digests.values()))).hexdigest()[:16]

    def _source(self, file: Path) -> Source:
        if file not in self._sources:
            text = file.read_bytes()
            self._sources[file] = Source(file, ast.parse(text))
            self._digests[file] = sha256(text).digest()
        return self._sources[file]

    def _add(self, function: Callable[..., Any], file: Path, source: Source) -> None:
        if identity(function) in self._added:
            return
        self._added.add(identity(function))
        name = function.__name__
        code = getattr(inspect.unwrap(function), "__code__", None)
        node = source.function(name, code.co_firstlineno) if code else None
        line = node.lineno if node else None
        self._claim_name(function, file, line)
        tag = getattr(function, TAG)
        if isinstance(tag, WorkflowTag):
            definition = self.workflows[name] = Definition(function, tag, file)
            found = [Fault(file, message, line) for message in workflow_faults(definition)]
            if node:
                found += [*lint(source, node), *yields_no_task(source, node)]
                self.warnings += [fault.about(name) for fault in likely_mistakes(source, node)]
            routes, wrong = of_workflow(name, tag, file, line_of_trigger(node))
            self.routes += routes
            self.faults += wrong
        else:
            self.activities[name] = function
            found = [Fault(file, message, line) for message in activity_faults(function)]
        self.faults += [fault.about(name) for fault in found]

    def _claim_name(self, function: Callable[..., Any], file: Path, line: int | None) -> None:
        name, here = function.__name__, f"{file}:{line}"
        if name in (ANNOUNCE, CLAIM_CHILD, FENCE, OWN_RUN, SETTLE):
            self.faults.append(Fault(file, f"the name {name!r} is Usher's own", line))
        claimant, there = self._claimed.setdefault(name, (identity(function), here))
        if claimant != identity(function):
            message = f"the name {name!r} is claimed here and in {there}: rename one of them"
            self.faults.append(Fault(file, message, line))


def _distinct(folders: Iterable[Path]) -> Iterable[Path]:
    found: dict[Path, Path] = {}
    for folder in folders:
        found.setdefault(folder.resolve(), folder.absolute())
    return found.values()


def _defined_in(module: ModuleType) -> Iterator[Callable[..., Any]]:
    """Find the functions that a file defines itself. If names clash, they precede imported ones."""
    return (value for value in tagged(module) if value.__module__ == module.__name__)
