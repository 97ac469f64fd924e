"""Expressions: what they may be, what they give, and how each failure is told apart."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.cloudevent import CloudEvent
from contracts.refusal import Refused
from contracts.routes.event_view import (
    MAX_SINGLE,
    MAX_TEXT,
    MAX_VALUES,
    EventView,
    Missing,
    NotEvaluated,
)
from contracts.routes.expression import Expression
from tests.support.routed import event

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)


def value(text: str, data: Any = None, **attributes: Any) -> Any:
    return Expression(text).evaluate(EventView(event(data, **attributes)))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not CEL"),
        ("data.", "not CEL"),
        ("(" * 500 + "1" + ")" * 500, "not CEL"),
        ("'" + "x" * 1100 + "'", "at most 1,024 bytes"),
        ("orders.id", "there is no name `orders`"),
        ("dta.id", "did you mean data?"),
        ("data.a and data.b", "`and` is not CEL; write `&&`"),
        ("data.a or data.b", "`or` is not CEL; write `||`"),
        ("not data.a", "`not` is not CEL; write `!`"),
        ("not(data.a)", "`not` is not CEL; write `!`"),
        ("data.a = 'x'", "`=` is not CEL; write `==`"),
        ("data.a == True", "`True` is not CEL; write `true`"),
        ("data.a & data.b", "`&` is not CEL; write `&&`"),
        ("data.name.startswith('a')", "did you mean startsWith?"),
        ("foo(1)", "there is no function `foo`"),
        ("data.l.map(x, x)", "`map` is not available"),
        ("data.l.filter(x, x > 1)", "`filter` is not available"),
        ("data.l.exists(x, data.l.all(y, y > x))", "inside another comprehension"),
        ("data.l.exists(x, [1].exists(y, y > x))", "inside another comprehension"),
        ("data.l.exists(data, data > 1)", "cannot be the variable"),
        ("data.s.matches(data.p)", "write the pattern as a string"),
        ("matches(data.s, 'a')", "write the pattern as a string"),
        ("+".join(["data.s"] * 33), "more than 32 times"),
        ("data.l.all(x, " + "+".join(["x"] * 33) + " > 1)", "more than 32 times"),
        ("has(data)", "invalid argument to has"),
        ("google.protobuf.Value{}", "there is no name `google`"),
    ],
)
def test_what_routes_may_not_use_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        Expression(text)


@pytest.mark.parametrize(
    "text",
    [
        "data.l.exists(x, x > 1) && data.l.all(x, x > 0)",
        "r'\\' == data.s || 'data.l.map(' == \"it's\" // map(x, y)",
        '"""a"b""" == data.s',
    ],
)
def test_text_and_comments_are_not_taken_for_code(text: str) -> None:
    assert Expression(text).text == text


@pytest.mark.parametrize("text", ["data.n", "data['n']", 'data["n"]', "event.data.n", " data . n "])
@pytest.mark.parametrize("number", [2**63, 2**70 + 1, 10**400, 0.1, 1.0, -0.0, 7])
def test_a_path_gives_a_number_as_it_is(text: str, number: float) -> None:
    found = value(text, {"n": number})
    assert (found, type(found)) == (number, type(number))


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("data.a", "data.a"),
        ("data.a == 1", "data.a"),
        ("data.o.b > 1 && data.n > 0", "data.o.b"),
        ("has(data.a.b)", "data.a"),
        ("(has(data.a) || true) && data.b == 1", "data.b"),
        ("data.lines.exists(l, l.sku == 'a')", "sku"),
        ("subject", "subject"),
        ("subject == 's'", "subject"),
        ("event.tenant == 't'", "event.tenant"),
        ("data.l[7]", "element 7"),
        ("event.data.a == 1", "event.data.a"),
    ],
)
def test_a_missing_field_is_named(text: str, path: str) -> None:
    with pytest.raises(Missing) as missing:
        value(text, {"o": {}, "n": 1, "l": [1], "lines": [{}]})
    assert missing.value.path == path


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("data.n.a", "data.n is null"),
        ("data.s.a == 1", "data.s is a string"),
        ("data.i + 1.5", "CEL converts none by itself (data.i is an integer)"),
        ("data.s > 1", "data.s is a string"),
        ("size(data.i)", "size() does not take this (data.i is an integer)"),
        ("1 / data.zero", "division by zero"),
        ("data.big + 1", "beyond 64 bits"),
        ("9223372036854775807 + data.i", "overflow"),
        ("int(data.s)", "'int' error"),
        ("timestamp(data.s) == timestamp(data.s)", "'timestamp' error"),
        ("[0.0 / 0.0]", "JSON does not have"),
        ("duration('1h')", "JSON does not have"),
        ("b'a'", "JSON does not have"),
        ("{1: 2}", "JSON does not have"),
        ("data.l.exists(x, x in data.l)", "data.l is a list; a comprehension compares"),
        ("data.l.exists(x, x == data.o)", "data.o is an object; a comprehension compares"),
        ("data.l.exists(x, x == data.long)", f"more than {MAX_SINGLE:,} characters"),
    ],
)
def test_an_expression_that_fails_says_why(text: str, said: str) -> None:
    data: dict[str, Any] = {
        "n": None,
        "s": "abc",
        "i": 5,
        "zero": 0,
        "big": 2**70,
        "l": [1],
        "o": {},
    }
    with pytest.raises(NotEvaluated) as failed:
        value(text, {**data, "long": "x" * (MAX_SINGLE + 1)})
    assert said in failed.value.message


def test_a_timestamp_becomes_its_text() -> None:
    found = value("timestamp(data.at) + duration('1h')", {"at": "2030-01-31T08:00:00Z"})
    assert found == "2030-01-31T09:00:00+00:00"


@pytest.mark.parametrize(
    "much", [["x"] * (MAX_VALUES + 1), "x" * (MAX_TEXT + 1), [["é" * MAX_TEXT] * 2]]
)
def test_what_is_too_large_to_compute_with_is_refused(much: Any) -> None:
    with pytest.raises(NotEvaluated, match="too large to compute with") as failed:
        value("size(data.much) > 0", {"much": much})
    assert failed.value.field == "data.much"


def test_only_what_is_read_counts() -> None:
    much = {"country": "DE", "lines": ["x" * 1000] * 900, "big": 2**70}
    assert value("data.country == 'DE'", much) is True
    assert value("data", much) == much


def test_data_is_not_parsed_for_an_expression_that_does_not_read_it() -> None:
    view = EventView(CloudEvent("e", "/s", "t", b"{", attributes={"tenant": "a"}))
    assert Expression("event.tenant == 'a'").evaluate(view) is True
    with pytest.raises(Refused):
        Expression("data.x").evaluate(view)


@pytest.mark.parametrize(
    ("body", "content_type", "data"),
    [
        (b"", "application/json", None),
        (b"null", "application/json", None),
        (b'{"a": 1}', "application/vnd.acme+json; charset=utf-8", {"a": 1}),
        (b"{not json", "text/plain", "{not json"),
    ],
)
def test_data_is_json_or_text(body: bytes, content_type: str, data: Any) -> None:
    view = EventView(CloudEvent("e", "/s", "t", body, content_type))
    assert Expression("data").evaluate(view) == data


def test_bytes_are_refused() -> None:
    with pytest.raises(Refused, match="not text"):
        Expression("data").evaluate(EventView(CloudEvent("e", "/s", "t", b"\xff", "image/png")))


@given(JSON_VALUES)
def test_any_data_has_an_outcome_in_every_kind_of_expression(data: Any) -> None:
    """What crosses into the engine never makes it raise anything else."""
    texts = ("data.a > 1", "data == data", "[data]", "data.exists(x, x > 1)", "size(data) > 0")
    for text in (*texts, "data.a.b", "string(data)", "data + data", "data['a'] in data", "-data"):
        try:
            found = value(text, data)
        except (Missing, NotEvaluated):
            continue
        json.dumps(found, allow_nan=False)


@given(JSON_VALUES)
def test_data_that_crosses_comes_back_as_it_was(data: Any) -> None:
    try:
        found = value("[data]", data)
    except NotEvaluated as failed:
        found = failed.message
    assert found == [data] or "beyond 64 bits" in found


def test_deep_data_crosses() -> None:
    deep: Any = 1
    for level in range(64):
        deep = {"a": [deep]} if level % 2 else [deep]
    assert value("data == event.data", deep) is True
