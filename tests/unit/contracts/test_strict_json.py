"""JSON as RFC 8259 means it: whatever one reader would take and another refuse is refused."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import strict_json
from contracts.events import Reason
from contracts.refusal import Refused

TEXT = st.text()
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_every_json_value_is_read_as_it_was_written(value: Any) -> None:
    assert strict_json.loads(json.dumps(value).encode()) == value
    assert strict_json.loads(json.dumps(value, ensure_ascii=False).encode()) == value


def refusal(body: bytes) -> Reason | None:
    try:
        strict_json.loads(body)
    except Refused as refused:
        return refused.reason
    return None


@given(st.binary(max_size=40))
def test_bytes_are_read_or_refused_and_nothing_else_is_raised(body: bytes) -> None:
    assert refusal(body) in (None, Reason.INVALID_JSON)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "not JSON"),
        (b"hello", "not JSON"),
        (b"{'a': 1}", "not JSON"),
        (b"{} {}", "not JSON"),
        (b"[1, 2,]", "not JSON"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        (b'"\x01"', "not JSON"),
        (b'{"a": NaN}', "NaN"),
        (b"[Infinity]", "Infinity"),
        (b"-Infinity", "-Infinity"),
        (b'{"a": 1, "b": 2, "a": 1}', "'a'"),
        (b'{"deep": [{"twice": 1, "twice": 2}]}', "'twice'"),
        (b'"\xff"', "byte 1 is 0xff"),
        (b"\x00\xfe{", "byte 1 is 0xfe"),
    ],
)
def test_what_is_not_json_is_refused_and_the_message_says_why(body: bytes, says: str) -> None:
    with pytest.raises(Refused) as refused:
        strict_json.loads(body)
    assert refused.value.reason is Reason.INVALID_JSON
    assert refused.value.field == "data"
    assert says in refused.value.message


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"[" * 5_000 + b"]" * 5_000, id="5,000 arrays deep"),
        pytest.param(b'{"a":' * 5_000 + b"1" + b"}" * 5_000, id="5,000 objects deep"),
        pytest.param(b"9" * 5_000, id="an integer of 5,000 digits"),
    ],
)
def test_what_python_cannot_hold_is_refused_rather_than_raised(body: bytes) -> None:
    with pytest.raises(Refused, match=r"nested too deeply|not JSON") as refused:
        strict_json.loads(body)
    assert refused.value.reason is Reason.INVALID_JSON


@pytest.mark.parametrize("body", [b"1e999", b'{"a": [-1e999]}'])
def test_a_number_beyond_a_float_is_refused_since_it_would_become_infinity(body: bytes) -> None:
    with pytest.raises(Refused) as refused:
        strict_json.loads(body)
    assert refused.value.reason is Reason.INVALID_JSON


@pytest.mark.parametrize(
    "body", [rb'"\ud800"', rb'{"a": ["\udfff"]}', rb'{"\ud800": 1}', rb'"\ude00\ud83d"']
)
def test_half_a_surrogate_pair_is_refused_since_it_cannot_be_written_again(body: bytes) -> None:
    with pytest.raises(Refused) as refused:
        strict_json.loads(body)
    assert refused.value.reason is Reason.INVALID_JSON


def test_a_whole_surrogate_pair_is_one_character() -> None:
    assert strict_json.loads(rb'"\ud83d\ude00"') == "😀"


def test_nesting_that_the_messages_cannot_hold_is_refused_where_it_is_read() -> None:
    """A dead letter holds the data two levels down, and Pydantic reads 200 levels of JSON."""
    with pytest.raises(Refused) as refused:
        strict_json.loads(b"[" * 250 + b"]" * 250)
    assert refused.value.reason is Reason.INVALID_JSON
    assert strict_json.loads(b"[" * 60 + b"]" * 60)


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        (b'[1700000000123456789, 1.0, -0.0, 0.1, 5e-324, 1e5, "0.10000000000000000001"]', True),
        (b'{"a": [0.1000000000000000055511151231257827]}', False),
        (b"1e-400", False),
    ],
)
def test_a_number_of_more_digits_than_a_float_is_noticed(body: bytes, kept: bool) -> None:
    assert strict_json.keeps_numbers(body) is kept


def test_no_message_gives_advice_on_our_code() -> None:
    with pytest.raises(Refused) as found:
        strict_json.loads(b"9" * 5_000)
    assert "digits" in found.value.message
    assert "sys." not in found.value.message
