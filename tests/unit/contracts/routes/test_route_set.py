"""Sets of routes: what differs between two, and a digest that only what they say changes."""

from dataclasses import replace
from pathlib import Path

from contracts.routes.route_set import changes, digest
from tests.support.routed import route

ONE, TWO = route("one", when="data.a == 1"), route("two")


def test_each_difference_has_its_name() -> None:
    before = [ONE, TWO, route("gone"), route("on"), route("off", paused=True)]
    other = route("two", type="placed")
    after = [ONE, other, route("new"), route("on", paused=True), route("off")]
    found = changes(before, after)
    assert found.model_dump() == {
        "digest": digest(after),
        "added": ["new"],
        "removed": ["gone"],
        "changed": ["two"],
        "paused": ["on"],
        "resumed": ["off"],
    }


def test_a_route_may_be_changed_and_paused_at_once() -> None:
    found = changes([ONE], [route("one", when="data.a == 2", paused=True)])
    assert (found.changed, found.paused, found.added, found.resumed) == (["one"], ["one"], [], [])


def test_nothing_changes_where_a_route_only_moves() -> None:
    moved = replace(ONE, file=Path("other.yaml"), line=7)
    found = changes([ONE, TWO], [TWO, moved])
    assert {*found.model_dump(exclude={"digest"})} == {
        *("added", "removed", "changed", "paused", "resumed")
    }
    assert not any(found.model_dump(exclude={"digest"}).values())
    assert digest([ONE, TWO]) == digest([TWO, moved])
    assert len({digest([]), digest([ONE]), digest([TWO]), digest([ONE, TWO])}) == 4
