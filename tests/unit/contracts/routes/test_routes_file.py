"""`routes.yaml`: every fault with its line, and no YAML that is more than its text."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.routes.route import combined
from contracts.routes.routes_file import MAX_BYTES, RoutesRead, read_routes_file
from tests.support.routed import route


def read(folder: Path, text: str | bytes) -> RoutesRead:
    file = folder / "routes.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_routes_file(file)


def faults(folder: Path, text: str | bytes) -> list[str]:
    return [str(fault).removeprefix(f"{folder}/") for fault in read(folder, text).faults]


def test_all_faults_of_a_file_are_told_at_once_with_their_lines(tmp_path: Path) -> None:
    text = """
address-sync:
  from: crm
  when: has(data.country) && dta.country == "DE"
  start: crm_sync
  debounce: {quiet: 30s}
cart:
  from: carts
  start_or_deliver: cart_workflow
  event: item
"""
    assert faults(tmp_path, text) == [
        "routes.yaml:6: address-sync.debounce: debounce (waiting for quiet) does not exist yet; "
        "remove it",
        "routes.yaml:4: address-sync.when: there is no name `dta`; did you mean data?",
        "routes.yaml:7: cart.key: start_or_deliver needs a key; without one every instance would "
        "get the event",
    ]


def test_values_are_what_they_look_like(tmp_path: Path) -> None:
    text = """
no:
  from: orders
  type: on
  when: data.x == 012
  start: 'true'
  delay: 30s
  since: 2030-01-31T08:00:00Z
  example: {type: yes, data: {n: 1, f: 1.5, e: 1e3, t: 12:30, d: 2030-01-31, no: no, z: ~, b: true}}
"""
    found = read(tmp_path, text)
    assert [str(fault) for fault in found.faults] == []
    (one,) = found.routes
    assert (one.name, one.spec.type, one.workflow) == ("no", "on", "true")
    assert one.spec.example == {
        "type": "yes",
        "data": {
            **{"n": 1, "f": 1.5, "e": 1000.0, "t": "12:30", "d": "2030-01-31", "no": "no"},
            **{"z": None, "b": True},
        },
    }
    assert (one.line, one.lines["delay"]) == (2, 7)


BOMB = "a: &a [x, x]\n" + "".join(f"b{n}: &b{n} [*a, *a]\n" for n in range(50))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BOMB, "1: anchors and tags are not read"),
        ("a: {type: *}", "not YAML"),
        ("r:\n  type: *x", "2: aliases are not read"),
        ("a: !!python/object/apply:os.system [ls]", "1: anchors and tags are not read"),
        ("a: {from: x, start: w, <<: {}}", "there is no such field"),
        ("[" * 50_000, "nested deeper than 32"),
        ("a:\n" + " b: {" * 200, "nested deeper than 32"),
        ("a: {}\na: {}", "2: a is given twice, first in line 1"),
        ("a:\n  from: x\n  from: y", "3: a: from is given twice, first in line 2"),
        ("- a", "1: write `name: value` lines"),
        ("a: 7", "1: a: write `name: value` lines"),
        ("? [a]\n: b", "a name is a text"),
        ("a b: {}", "a name has letters"),
        ("a:\nfrom: x\nstart: w", "1: a: a route has fields: indent them below its name"),
        ("a:\nfrom: x\nstart: w", "2: from is a field of a route: indent it below"),
        ("a:\n  key: x: y", "2: not YAML: mapping values are not allowed here; quote a text"),
        ("a:\n  when: !data.x", "2: anchors and tags are not read; quote a text that begins"),
        ("---\na: {}\n---\nb: {}", "3: a second document"),
        ("a: {b: [}", "not YAML"),
        ("a: \x00", "not YAML"),
        (b"a: \xff", "not YAML"),
        (" " * (MAX_BYTES + 1), "the limit is 262,144"),
        ("w/start: {key: data.id}", "1: w/start: a decorator declares this route"),
        ("w/start: {paused: maybe}", "1: w/start: a decorator declares this route"),
    ],
)
def test_what_cannot_be_read_is_named(text: str | bytes, said: str, tmp_path: Path) -> None:
    found = faults(tmp_path, text)
    assert any(said in one for one in found), found


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    (fault,) = read_routes_file(tmp_path / "routes.yaml").faults
    assert str(fault).endswith("routes.yaml: cannot be read: No such file or directory")


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n"])
def test_an_empty_file_has_no_routes(text: str, tmp_path: Path) -> None:
    found = read(tmp_path, text)
    assert [*found.routes, *found.faults] == []


@given(st.text(max_size=80) | st.binary(max_size=80))
def test_any_file_is_read(tmp_path_factory: pytest.TempPathFactory, text: str | bytes) -> None:
    content = text if isinstance(text, bytes) else text.encode(errors="replace")
    read(tmp_path_factory.getbasetemp(), content)


def test_a_file_pauses_a_route_of_a_decorator_and_changes_nothing_else(tmp_path: Path) -> None:
    found = read(tmp_path, "w/start: {paused: true}\nw/none: {paused: true}\nw/on: {paused: false}")
    assert found.faults == []
    declared = [route("w/start", key="data.id"), route("w/on")]
    routes, wrong = combined(declared, found.paused)
    assert [one.spec.paused for one in routes] == [True, False]
    assert routes[0].spec.key == declared[0].spec.key
    (fault,) = wrong
    assert "routes.yaml:2: w/none: no decorator declares a route of this name" in str(fault)
