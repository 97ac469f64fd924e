"""Examples: an event that an author writes beside a route must pass the route."""

from typing import Any

import pytest

from contracts.events import Reason
from contracts.refusal import Refused
from contracts.routes.examples import example_faults
from tests.support.routed import route

RIGHT = {"type": "placed", "data": {"id": "o-1", "n": 1}}


def parse(value: Any) -> Any:
    """Take the input of a workflow that wants `{"n": 1}`."""
    if value is not None and value.get("n") != 1:
        raise Refused(Reason.INVALID_INPUT, "should be 1", "input.n")
    return value


def faults(**fields: Any) -> list[str]:
    given = {"type": "placed", "key": "data.id", **fields}
    return [fault.message for fault in example_faults(route(**given), parse)]


def test_an_example_that_passes_is_right() -> None:
    assert faults(example=RIGHT, when="data.n == 1 && event.tenant == 'a'") == [
        "r.example: it does not match: when: event.tenant is missing"
    ]
    assert faults(example={**RIGHT, "tenant": "a"}, when="event.tenant == 'a'") == []


def test_a_route_may_have_no_example() -> None:
    assert faults() == []


@pytest.mark.parametrize(
    ("example", "said"),
    [
        ({"type": "other", "data": {}}, "it does not match: type"),
        ({"type": "placed", "data": {"n": 1}}, "key `data.id`: data.id is missing"),
        ({"type": "placed", "data": {"id": "o-1", "n": 2}}, "input.n: should be 1"),
        ({"id": "o-1"}, "an example is an event, such as"),
        ("o-1", "an example is an event, such as"),
    ],
)
def test_an_example_that_fails_says_why(example: Any, said: str) -> None:
    (message,) = faults(example=example)
    assert message.startswith("r.example: ")
    assert said in message


def test_a_paused_route_has_no_faulty_example() -> None:
    assert faults(example={"type": "other", "data": {}}, paused=True) == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (None, []),
        ('{"n": 1, "at": data.at}', []),
        ('{"n": 2}', ["r.input: input.n: should be 1"]),
        ("data.nothing", ["r.input: data.nothing: input `data.nothing`: data.nothing is missing"]),
    ],
)
def test_the_input_of_a_schedule_is_tried_on_a_tick(given: str | None, said: list[str]) -> None:
    fields: dict[str, Any] = {
        "from": None,
        "every": "0 9 * * *",
        **({"input": given} if given else {}),
    }
    assert [f.message for f in example_faults(route(**fields), parse)] == said
