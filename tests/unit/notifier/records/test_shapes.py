"""A record that cannot be read or drawn shows as broken, and stands in the way of no other."""

import json
from typing import Any

import pytest

from contracts.records import Notice
from notifier.page.rendering import row
from notifier.records.shapes import DEAD_LETTERS, NOTICES, Shape
from tests.support.answers import notice
from tests.support.house import LETTER, NOTICE, House

BROKEN = [
    "",
    "no JSON",
    "null",
    "[1]",
    "{}",
    '{"id": 7}',
    "[" * 5000,
    "9" * 5000,
    json.dumps({**LETTER, "event": []}),
    json.dumps({**LETTER, "attempts": "many"}),
    json.dumps({**LETTER, "event": {"data": float("nan")}}),
    json.dumps({**NOTICE, "duration_s": None}),
    json.dumps({**NOTICE, "output": float("inf")}),
]


@pytest.mark.parametrize("text", BROKEN)
@pytest.mark.parametrize("shape", [DEAD_LETTERS, NOTICES])
def test_a_stored_record_that_cannot_be_read_becomes_a_broken_one(
    shape: Shape[Any], text: str
) -> None:
    found = shape.read("r-1", text)
    assert found.id == "r-1"
    record = found.model_dump(mode="json", exclude_unset=True)
    assert "cannot be read" in str(record)
    assert shape.read("r-1", json.dumps(record, allow_nan=False)) == found
    house = House()
    if shape is NOTICES:
        house.notice = record
    else:
        house.letters.records["r-1"] = record
    page = house.ask("GET", "/")
    assert page.status_code == 200
    assert "cannot be read" in page.text
    assert LETTER["message"].partition("'")[0] in page.text
    assert house.ask("GET", "/instances/i-2").status_code == 200


@pytest.mark.parametrize(("shape", "record"), [(DEAD_LETTERS, LETTER), (NOTICES, NOTICE)])
def test_a_sound_record_is_read_as_it_is(shape: Shape[Any], record: dict[str, Any]) -> None:
    later = {**record, "added": "by a later version"}
    found = shape.read("r-1", json.dumps(later))
    assert found.model_dump(mode="json", exclude_unset=True) == later


@pytest.mark.parametrize(
    "wrong",
    [
        {"last_seen": "never"},
        {"first_seen": "", "attempts": 2},
        {"redriven_at": 7},
        {"reason": "of a later version"},
        {"event": {"id": {}, "source": [], "data": float("nan")}},
        {"message": "\x1b[2J\u202e<script>"},
    ],
)
def test_a_record_that_is_odd_takes_no_other_with_it(wrong: dict[str, Any]) -> None:
    house = House()
    house.letters.records["l-2"] = {**LETTER, "id": "l-2", **wrong}
    page = house.ask("GET", "/")
    assert page.status_code == 200
    assert 'data-key="l-1"' in page.text
    assert 'data-key="l-2"' in page.text
    assert not {"\x1b", "\u202e"} & set(page.text)
    assert "<script>" not in page.text


def test_a_row_that_fails_is_shown_escaped() -> None:
    def fails(one: Notice) -> str:
        raise KeyError(one.id)

    drawn = row(fails, notice(id="<b>", output="\x1b" * 10_000))
    assert "&lt;b&gt;" in drawn
    assert len(drawn) < 5_000
    assert "\x1b" not in drawn
