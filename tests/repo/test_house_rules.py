"""Small rules of the house, over every file of the repository."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

from tests.repo.files import PRODUCT, ROOT, imports, modules, name_of, tracked, tree

ELSEWHERE = re.compile(
    # Put together, or this file would be its own finding.
    "|".join(
        [r"/(?:home|Users)" + r"/\w", r"/roo" + r"t/\w", r"/wor" + r"k/\w", r"[A-Z]:\\Use" + "rs"]
    )
)


def text_of(file: Path) -> str:
    try:
        return file.read_text()
    except UnicodeDecodeError:
        return ""


def test_no_file_knows_the_machine_it_was_written_on() -> None:
    found = {
        f"{name_of(file)}:{number}: {line.strip()[:80]}"
        for file in tracked()
        for number, line in enumerate(text_of(file).splitlines(), 1)
        if ELSEWHERE.search(line)
    }
    assert found == set()


def test_the_lock_names_the_public_registry_alone() -> None:
    hosts = set(re.findall(r"https?://([^/\"]+)", (ROOT / "uv.lock").read_text()))
    assert hosts == {"pypi.org", "files.pythonhosted.org"}


def test_no_file_pins_the_python_of_one_machine() -> None:
    assert [name_of(file) for file in tracked() if file.name == ".python-version"] == []


def test_there_is_one_project_one_lock_and_one_command() -> None:
    assert [name_of(f) for f in tracked() if f.name == "pyproject.toml"] == ["pyproject.toml"]
    assert [name_of(f) for f in tracked() if f.name == "uv.lock"] == ["uv.lock"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert list(project["project"]["scripts"]) == ["usher"]
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert set(packages) == set(PRODUCT)


def sleeps(file: Path) -> bool:
    return any(
        (isinstance(node, ast.Attribute) and ast.unparse(node) in ("time.sleep", "asyncio.sleep"))
        or (
            isinstance(node, ast.ImportFrom)
            and node.module in ("time", "asyncio")
            and any(alias.name == "sleep" for alias in node.names)
        )
        for node in ast.walk(tree(file))
    )


@pytest.mark.parametrize("file", modules("tests"), ids=name_of)
def test_a_test_waits_for_a_state_and_never_for_the_clock(file: Path) -> None:
    assert not sleeps(file)


@pytest.mark.parametrize("file", modules("tests"), ids=name_of)
def test_a_test_replaces_no_module(file: Path) -> None:
    """Stand-ins go through constructors; a module that is swapped proves nothing."""
    assert "unittest.mock" not in set(imports(file))
    text = text_of(file)
    assert not re.search(r"setitem\(\s*sys\.modu" + "les", text)
    assert "@pat" + "ch" not in text


@pytest.mark.parametrize(
    "file", modules("tests/unit", "tests/integration", "tests/e2e"), ids=name_of
)
def test_a_file_of_tests_is_named_as_one(file: Path) -> None:
    assert file.name.startswith("test_") or file.name in ("conftest.py", "__init__.py")
