"""What the demo's four events must lead to: these notices and this dead letter, each once."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

Item = Mapping[str, Any]
Wanted = Mapping[str, Callable[[Item], bool]]

NOTICES: Wanted = {
    'COMPLETED hello_workflow with {"final_greeting": "Hello, Ada!"}': lambda it: (
        _ended(it, "hello_workflow", "COMPLETED")
        and it["output"] == {"final_greeting": "Hello, Ada!"}
    ),
    'COMPLETED approval_workflow with the decision "approved"': lambda it: (
        _ended(it, "approval_workflow", "COMPLETED") and it["output"]["decision"] == "approved"
    ),
    "FAILED fail_workflow": lambda it: _ended(it, "fail_workflow", "FAILED"),
}

DEAD_LETTERS: Wanted = {
    "unknown_workflow for no_such_workflow": lambda it: (
        it["reason"] == "unknown_workflow" and it["event"]["data"]["workflow"] == "no_such_workflow"
    ),
}


def _ended(item: Item, workflow: str, outcome: str) -> bool:
    return (item["workflow"], item["outcome"]) == (workflow, outcome)


@dataclass(frozen=True)
class Verdict:
    """What the notifier holds, held against what it must hold."""

    notices: list[Item]
    dead_letters: list[Item]
    missing: list[str]
    too_much: list[str]

    @property
    def right(self) -> bool:
        """Nothing is missing and nothing is there twice or besides."""
        return not self.missing and not self.too_much

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def judge(notices: list[Item], dead_letters: list[Item]) -> Verdict:
    """Match every item with one expectation at most, and every expectation with one item."""
    verdict = Verdict(notices, dead_letters, [], [])
    for kind, wanted, items in (
        ("notice", NOTICES, notices),
        ("dead letter", DEAD_LETTERS, dead_letters),
    ):
        missing, left = _match(wanted, items)
        verdict.missing.extend(f"{kind}: {name}" for name in missing)
        verdict.too_much.extend(f"{kind}: {item.get('id')}" for item in left)
    return verdict


def _match(wanted: Wanted, items: Iterable[Item]) -> tuple[list[str], list[Item]]:
    left = list(items)
    missing = []
    for name, fits in wanted.items():
        found = next((item for item in left if _fits(fits, item)), None)
        if found is None:
            missing.append(name)
        else:
            left.remove(found)
    return missing, left


def _fits(fits: Callable[[Item], bool], item: Item) -> bool:
    # Another shape than expected (no output, data that is text) is no match, not an accident.
    try:
        return fits(item)
    except (KeyError, TypeError, IndexError):
        return False
