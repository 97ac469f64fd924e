"""What the tests of structure look at: the files of this repository, and their syntax trees."""

import ast
import subprocess
from collections.abc import Container, Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
SERVICES = ("starter", "orchestrator", "notifier")
PRODUCT = ("contracts", "chassis", *SERVICES, "usher")


@cache
def tracked() -> tuple[Path, ...]:
    """Return every file that git has or would add."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=20,
    )
    files = (ROOT / name for name in listed.stdout.split("\0") if name)
    found = tuple(sorted(file for file in files if file.is_file()))
    assert found, "git lists no files"
    return found


def modules(*folders: str) -> list[Path]:
    """Return the Python files of these top folders; each has some, or a test would see nothing."""
    found = {folder: list((ROOT / folder).rglob("*.py")) for folder in folders}
    assert found
    assert all(found.values()), f"no modules in {[one for one in found if not found[one]]}"
    return sorted(file for files in found.values() for file in files)


def name_of(file: Path) -> str:
    """Return a file's path as people say it: `starter/app.py`."""
    return file.relative_to(ROOT).as_posix()


@cache
def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(), str(file))


def dotted(file: Path) -> str:
    """Return a module's name as an import has it: `starter.app`."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(file: Path) -> Iterator[str]:
    """Yield the dotted name of every module that a file imports, inside functions too."""
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(file)}: a relative import"
            yield node.module or ""


def imported(file: Path, modules: Container[str]) -> set[str]:
    """Return which of these modules a file imports, `from package import module` included."""
    found = set(imports(file))
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in found if name in modules}


def called(file: Path) -> Iterator[str]:
    """Yield the last name of everything that a file calls: `time.sleep(1)` is `sleep`."""
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Call):
            function = node.func
            if isinstance(function, ast.Attribute):
                yield function.attr
            elif isinstance(function, ast.Name):
                yield function.id


def texts(file: Path) -> Iterator[str]:
    """Yield every piece of text in a file's code, docstrings too."""
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
