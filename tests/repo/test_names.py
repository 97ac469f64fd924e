"""Names: two modules never differ only by an ending, and some words stand for one thing only.

The lists that begin with `STILL` may only shrink: an entry that is no longer needed fails, too.
"""

import ast
import re
from collections import Counter, defaultdict

from tests.repo.files import PRODUCT, modules, name_of, tree

ENDING = re.compile("(?:s|es|ed|er|ing|ion)$")
STILL_ALIKE = {
    ("command", "commands"),
    ("publish", "published"),
    ("reading", "reads"),
    ("sidecar", "sidecars"),
    ("stream", "streams"),
}
"""Names of modules that differ only by their ending."""

ONCE = ("Fault", "Finding", "Steps", "Task", "Verdict", "Wait", "WorkItem")
STILL_SEVERAL = {"Finding"}
"""Of these classes, those that there are several of."""


def test_no_two_modules_differ_only_by_an_ending() -> None:
    """The same name in two packages is the same role."""
    alike: defaultdict[str, set[str]] = defaultdict(set)
    for file in modules(*PRODUCT):
        if not file.stem.startswith("__"):
            alike[ENDING.sub("", file.stem)].add(file.stem)
    assert {tuple(sorted(names)) for names in alike.values() if len(names) > 1} == STILL_ALIKE


def test_a_word_names_one_class() -> None:
    named = Counter(
        node.name
        for file in modules(*PRODUCT)
        for node in ast.walk(tree(file))
        if isinstance(node, ast.ClassDef)
    )
    assert named["Finding"]
    assert {name for name in ONCE if named[name] > 1} == STILL_SEVERAL


def test_one_function_reads_an_entry() -> None:
    reading = [
        name_of(file)
        for file in modules(*PRODUCT)
        for node in ast.walk(tree(file))
        if isinstance(node, ast.FunctionDef) and node.name == "read_entry"
    ]
    assert reading == ["contracts/entry.py"]
