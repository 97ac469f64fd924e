"""docs/routes.md: its file of routes and its expressions are right."""

import re
from pathlib import Path

import pytest

from contracts.routes.expression import Expression
from contracts.routes.routes_file import read_routes_file

TEXT = (Path(__file__).parents[4] / "docs" / "routes.md").read_text()
(YAML,) = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
EXPRESSIONS = re.findall(r"^    ((?:data|has)\W.*)$", TEXT, re.MULTILINE)


def test_the_file_is_right(tmp_path: Path) -> None:
    file = tmp_path / "routes.yaml"
    file.write_text(YAML)
    found = read_routes_file(file)
    assert (found.faults, len(found.routes), len(found.paused)) == ([], 3, 1)


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_an_expression_is_right(text: str) -> None:
    assert Expression(text).reads.paths
