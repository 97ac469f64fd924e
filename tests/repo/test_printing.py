"""All that `usher` prints goes through one printer, which no text of a stranger can steer."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.repo.files import modules, name_of, tree

PRINTER = "usher/terminal/output.py"
WAYS = {"print", "sys.stdout", "sys.stderr", "typer.echo", "typer.secho", "click.echo", "Console"}
WAYS |= {"rich.print", "Text.from_ansi", "os.write"}


def ways(file: Path) -> Iterator[str]:
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Attribute | ast.Name):
            name = ast.unparse(node)
            made = isinstance(node, ast.Attribute) or name == "print"
            if name in WAYS and made:
                yield f"{name_of(file)}: {name}"
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Console":
            yield f"{name_of(file)}: Console()"


def test_nothing_but_the_printer_prints() -> None:
    found = {one for file in modules("usher") for one in ways(file)}
    assert {one for one in found if not one.startswith(PRINTER)} == set()
    assert found
