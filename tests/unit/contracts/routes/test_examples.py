"""Examples: an event that an author writes beside a route must pass the route."""

from typing import Any

import pytest

from contracts.events import Reason
from contracts.refusal import Refused
from contracts.routes.examples import example_faults, faults_with_input
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


INPUT = {
    "no": 7,
    "weight": 30,
    "name": "a",
    "flag": True,
    "to": {"city": "b"},
    "tags": [],
    "x": None,
}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"key": "data.to"}, "r.key: data.to is an object, in the example of w. If events differ"),
        ({"key": "data.tags"}, "r.key: data.tags is a list"),
        ({"when": "data.name > 5"}, "r.when: the types do not fit; CEL converts none by itself"),
        ({"when": "data.weight >= 30 && data.name < 2"}, "r.when: the types do not fit"),
    ],
)
def test_types_that_cannot_fit_are_seen_on_the_input(fields: dict[str, str], said: str) -> None:
    (fault,) = faults_with_input(route(**fields), INPUT)
    assert fault.message.startswith(said)


@pytest.mark.parametrize(
    "fields",
    [
        {"key": "data.no", "when": "data.weight * 1.5 > 30.0"},
        {"when": "data.no % 2 == 0 && data.weight > 30"},
        {"when": "data.no / 0 > 1", "key": "data.more"},
        {"when": "data.x > 1", "key": "data.x"},
        {"when": "event.tenant > 1 && data.name == 'a'", "key": "event.tenant"},
        {"when": "data.more > 1 && data.name > 5"},
        {"when": "data.flag && data.to.city == 'c'", "key": "data.to.city"},
        {"when": "data.name == 'z' && data.to > 5"},
        {"key": "data.to", "input": "data.to"},
        {"key": "data.to", "example": RIGHT},
        {"key": "data.to", "cancel": "w"},
    ],
)
def test_what_may_fit_other_events_is_no_fault(fields: dict[str, Any]) -> None:
    assert list(faults_with_input(route(**fields), INPUT)) == []


@pytest.mark.parametrize("data", [None, 7, [], {"name": object()}, object()])
def test_an_example_of_any_kind_is_tried(data: Any) -> None:
    fields = route(when="data.name > 5 && data != 'a'", key="data.name")
    assert list(faults_with_input(fields, data)) == []
