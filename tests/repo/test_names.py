"""Names: two modules never differ only by an ending, and some words stand for one thing only."""

import ast
import re
from collections import Counter, defaultdict

from tests.repo.files import PRODUCT, modules, name_of, tree

ENDING = re.compile("(?:s|es|ed|er|ing|ion)$")

ONCE = ("Fault", "Finding", "Steps", "Task", "Verdict", "Wait", "WorkItem")


def test_no_two_modules_differ_only_by_an_ending() -> None:
    """The same name in two packages is the same role."""
    alike: defaultdict[str, set[str]] = defaultdict(set)
    for file in modules(*PRODUCT):
        if not file.stem.startswith("__"):
            alike[ENDING.sub("", file.stem)].add(file.stem)
    assert {tuple(sorted(names)) for names in alike.values() if len(names) > 1} == set()


def test_a_word_names_one_class() -> None:
    named = Counter(
        node.name
        for file in modules(*PRODUCT)
        for node in ast.walk(tree(file))
        if isinstance(node, ast.ClassDef)
    )
    assert named["Finding"]
    assert {name for name in ONCE if named[name] > 1} == set()


def test_one_function_reads_an_entry() -> None:
    reading = [
        name_of(file)
        for file in modules(*PRODUCT)
        for node in ast.walk(tree(file))
        if isinstance(node, ast.FunctionDef) and node.name == "read_entry"
    ]
    assert reading == ["contracts/entry.py"]
