"""Keys: any JSON scalar is one, and no two of them make the same instance id."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contracts.identity import derived_key
from contracts.keys import instance_id_for, key_text
from contracts.message import INSTANCE_ID_PATTERN

ESCAPED = re.compile(r".*-key-[0-9a-f]{32}")
SCALARS = st.one_of(
    st.text(min_size=1, max_size=400),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
)
PLAIN = st.from_regex(r"[A-Za-z0-9_-]{1,90}", fullmatch=True)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("7", "7"),
        (7, "7"),
        (7.0, "7"),
        (-0.0, "0"),
        (1.5, "1.5"),
        (2**70 + 1, "1180591620717411303425"),
        (1e23, "100000000000000000000000"),
        (True, "true"),
        (False, "false"),
        (0, "0"),
        (" ", " "),
    ],
)
def test_a_scalar_has_one_text(value: object, text: str) -> None:
    assert key_text(value) == text


@pytest.mark.parametrize("value", [None, "", [], ["a"], {}, float("nan"), float("inf"), "x" * 1025])
def test_what_is_no_key_is_named(value: object) -> None:
    with pytest.raises(ValueError, match="key"):
        key_text(value)


@given(PLAIN)
def test_a_key_that_fits_stays_readable(key: str) -> None:
    found = instance_id_for("order_workflow", key)
    assert found == f"order_workflow-{key}" or ESCAPED.fullmatch(found) or derived_key(key)


@pytest.mark.parametrize("key", ["a/b", "*", "😀", "x" * 300, "a b", "a:0001", "é", "1.5", "\x00"])
def test_a_key_that_does_not_fit_is_escaped(key: str) -> None:
    found = instance_id_for("order_workflow", key)
    assert ESCAPED.fullmatch(found)
    assert found.startswith("order_workflow-")


@given(SCALARS)
def test_every_key_makes_an_instance_id_that_is_not_one_of_an_event(value: object) -> None:
    found = instance_id_for("order_workflow", key_text(value))
    assert re.fullmatch(INSTANCE_ID_PATTERN, found)
    assert derived_key(found) is None


@given(SCALARS, SCALARS)
@example("a/b", "a_b")
@example("a/b", "a*b")
@example(1, "1")
@example(True, "true")
@example(1, True)
@example("ce-" + "0" * 24, "ce_" + "0" * 24)
def test_two_keys_have_two_ids(one: object, other: object) -> None:
    first, second = key_text(one), key_text(other)
    ids = {instance_id_for("w", first), instance_id_for("w", second)}
    assert len(ids) == len({first, second})


@given(SCALARS)
def test_an_escaped_id_cannot_be_reached_by_a_key_that_looks_like_it(value: object) -> None:
    escaped = instance_id_for("w", f"{key_text(value)}/")
    assert ESCAPED.fullmatch(escaped)
    forged = escaped.removeprefix("w-")
    assert instance_id_for("w", forged) != escaped


def test_the_id_of_an_event_cannot_be_forged_by_a_key() -> None:
    assert derived_key(instance_id_for("w", "ce-" + "0" * 24)) is None


def test_a_key_of_two_workflows_makes_two_ids() -> None:
    assert instance_id_for("a_b", "/") != instance_id_for("a-b", "/") != instance_id_for("a", "b-/")
