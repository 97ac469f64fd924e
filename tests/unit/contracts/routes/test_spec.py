"""What a route may say: every fault at once, each with its field, in a decorator and in a file."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from contracts.__main__ import schemas
from contracts.authoring import WorkflowTag, workflow
from contracts.routes.route import Route, combined, of_workflow
from contracts.routes.routes_file import read_routes_file
from contracts.routes.spec import read_spec
from contracts.routes.triggers import (
    LATER,
    Cancel,
    Deliver,
    Every,
    Resume,
    Start,
    StartOrDeliver,
    Suspend,
    Trigger,
)
from tests.support.routed import route

START = {"from": "orders", "start": "w"}
DELIVER = {"from": "orders", "deliver": "w", "key": "data.id", "event": "e"}
EVERY = {"every": "0 9 * * 1-5", "start": "w"}


@pytest.mark.parametrize(
    ("given", "field", "said"),
    [
        ({**START, "wen": "true"}, "wen", "did you mean when?"),
        ({**START, "type": "a*b"}, "type", "only at the end"),
        ({**START, "type": 7}, "type", "valid string"),
        ({**START, "when": "nope"}, "when", "there is no name `nope`"),
        ({**START, "key": 7}, "key", "valid string"),
        ({**START, "input": {"a": "data.b"}}, "input", "quote it: it is an expression"),
        ({"topic": "orders", "start": "w"}, "topic", "did you mean from?"),
        ({**START, "filter": "true"}, "filter", "did you mean when?"),
        ({"from": "orders", "workflow": "w"}, "workflow", "did you mean start?"),
        ({**START, "again": "yes", "key": "data.id"}, "again", "write true or false"),
        ({**START, "again": True}, "again", "means nothing without a key"),
        ({**START, "again": True, "key": "data.id", "delay": "5m"}, "again", "does not go with"),
        ({**START, "again": True, "key": "data.id", "at": "data.t"}, "again", "does not go with"),
        ({**START, "since": 2030}, "since", "such as 2030-01-31T08:00:00Z, or all"),
        ({**START, "since": "2030-01-31T08:00:00"}, "since", "such as 2030-01-31T08:00:00Z"),
        ({**START, "delay": "5"}, "delay", "such as 90s, 15m, 1h or 2d"),
        ({**START, "delay": "99999d"}, "delay", "longer than 30 years"),
        ({**START, "delay": "367d"}, "delay", "at most 366d"),
        ({**START, "delay": "5m", "at": "data.due"}, "at", "not both"),
        ({**START, "event": "paid"}, "event", "means nothing for start"),
        ({**START, "from": "a/b/c"}, "from", "component/topic"),
        ({**START, "from": "orders*"}, "from", "component/topic"),
        ({**START, "from": "orders|new"}, "from", "component/topic"),
        ({"start": "w"}, "from", "required"),
        ({"from": "orders"}, "", "a route has one of start, deliver"),
        ({**START, "cancel": "w"}, "cancel", "this has start, cancel"),
        ({**DELIVER, "key": None}, "key", "deliver needs a key; without one every instance"),
        ({**DELIVER, "event": None}, "event", "required"),
        ({**DELIVER, "ttl_seconds": -1}, "ttl_seconds", "greater than or equal to 0"),
        ({**DELIVER, "input": "data"}, "input", "means nothing for deliver"),
        ({"from": "orders", "cancel": "w"}, "key", "cancel needs a key"),
        ({"from": "orders", "cancel": "w", "key": "data.id", "early": "soon"}, "early", "1h or 2d"),
        ({**EVERY, "every": "9 * *"}, "every", "cron has 5 fields"),
        ({**EVERY, "every": "0 0 30 2 *"}, "every", "day-of-month"),
        ({**EVERY, "timezone": "Europe/Berlni"}, "timezone", "did you mean Europe/Berlin?"),
        ({**EVERY, "missed": "some"}, "missed", "'last', 'all' or 'none'"),
        ({**EVERY, "from": "orders"}, "from", "means nothing for every"),
        ({"every": "0 9 * * *", "cancel": "w"}, "cancel", "use start"),
        *(({**START, name: {}}, name, "does not exist yet") for name in LATER),
    ],
)
def test_a_fault_names_its_field_and_what_to_write(
    given: dict[str, Any], field: str, said: str
) -> None:
    spec, wrong = read_spec(given)
    assert spec is None
    assert any(at == field and said in message for at, message in wrong), wrong


def test_all_faults_are_told_at_once() -> None:
    _, wrong = read_spec({"deliver": "w", "when": "nope", "delay": "x", "debounce": 1, "wen": ""})
    assert {field for field, _ in wrong} == {
        *("from", "key", "event", "when", "delay", "debounce", "wen")
    }


def test_a_route_survives_its_json() -> None:
    full = route(**START, when="data.a > 1", key="data.id", since="all", again=True)
    text = full.spec.model_dump_json(by_alias=True, exclude_defaults=True)
    again, wrong = read_spec(json.loads(text))
    assert (again, wrong) == (full.spec, [])


TRIGGERS: list[tuple[Trigger, str]] = [
    (Start("orders", type="a.*", key="data.id", input="data", again=True), "start"),
    (Deliver("orders", key="data.id", event="paid", ttl_seconds=5), "deliver"),
    (StartOrDeliver("x/orders", key="data.id", event="item", data="data.x"), "start_or_deliver"),
    (Cancel("orders", source="/s", subject="a*", key="data.id", early="1h"), "cancel"),
    (Suspend("orders", when="data.hold", key="data.id"), "suspend"),
    (Resume("orders", key="data.id", since="2030-01-31T08:00:00Z"), "resume"),
    (Every("0 9 * * 1-5", timezone="Europe/Berlin", missed="all"), "start"),
]


def declared(*triggers: Trigger) -> tuple[list[Route], list[str]]:
    tag = WorkflowTag(on=triggers)
    routes, faults = of_workflow("w", tag, Path("w.py"), lambda n: n + 10)
    return routes, [str(fault) for fault in faults]


@pytest.mark.parametrize(("trigger", "verb"), TRIGGERS)
def test_a_decorator_and_a_file_make_the_same_route(
    trigger: Trigger, verb: str, tmp_path: Path
) -> None:
    (one,), faults = declared(trigger)
    assert faults == []
    assert (one.verb, one.workflow, one.line) == (verb, "w", 10)
    file = tmp_path / "routes.yaml"
    file.write_text(yaml.safe_dump({"r": {**trigger.given(), verb: "w"}}))
    read = read_routes_file(file)
    assert (read.faults, [other.spec for other in read.routes]) == ([], [one.spec])


def test_routes_of_a_decorator_are_named_by_verb_and_number_or_as_the_author_says() -> None:
    pay = Deliver("payments", key="data.id", event="paid")
    routes, _ = declared(pay, Start("orders"), pay, Every("0 9 * * *"), Start("crm", name="moved"))
    assert [one.name for one in routes] == [
        *("w/deliver", "w/start", "w/deliver-2", "w/every", "w/moved")
    ]


def test_a_fault_of_a_decorator_names_its_place() -> None:
    _, faults = declared(Start("orders"), Deliver("payments", event="paid"))
    assert faults == [
        "w.py:11: w on[1].key: deliver needs a key; without one every instance would get the event"
    ]


def test_what_is_no_trigger_is_named() -> None:
    wrong: Any = Start
    assert declared(wrong)[1] == [
        "w.py:10: w on[0]: write Start(...), Deliver(...) or another of them"
    ]
    one: Any = Start("orders")
    with pytest.raises(TypeError, match="a list also of one"):
        workflow(on=one)


def test_a_policy_of_a_later_version_is_refused_where_it_is_written() -> None:
    later: dict[str, Any] = {"debounce": "30s"}
    with pytest.raises(TypeError, match=r"debounce \(waiting for quiet\) does not exist yet"):
        Start("orders", **later)


def test_a_field_that_does_not_exist_is_named_where_it_is_written() -> None:
    wrong: dict[str, Any] = {"evnt": "paid"}
    with pytest.raises(TypeError, match=r"Deliver: there is no field evnt; did you mean event\?"):
        Deliver("payments", key="data.id", **wrong)
    with pytest.raises(TypeError, match=r"Every: there is no field zzz$"):
        Every("0 9 * * *", **dict[str, Any](zzz=1))


def test_a_name_is_a_word() -> None:
    _, faults = declared(Start("orders", name="a b"))
    assert "w on[0]: a name has letters, digits, _, . and -" in faults[0]


def test_names_are_unique() -> None:
    _, faults = combined([route("a"), route("b"), route("a")], {})
    assert [str(fault) for fault in faults] == [
        "routes.yaml:1: a: this name is taken by routes.yaml:1"
    ]


def test_a_name_that_an_author_gives_is_used_once_and_as_it_is() -> None:
    twice = [Start("orders", name="x"), Start("crm", name="x"), Start("crm", name="w/start")]
    routes, faults = declared(*twice, Start("new"))
    assert ([one.name for one in routes], faults) == (["w/x", "w/x", "w/start", "w/start"], [])
    _, clashes = combined(routes, {})
    assert [str(fault) for fault in clashes] == [
        "w.py:11: w/x: this name is taken by w.py:10",
        "w.py:13: w/start: this name is taken by w.py:12",
    ]
    assert "a name has letters" in declared(Start("orders", name="other/start"))[1][0]


def test_a_route_with_faults_keeps_its_other_fields_for_further_checks() -> None:
    (one,), faults = declared(Start("orders", key="dta.id", when="data.contry == 'DE'"))
    assert (one.spec.key, str(one.spec.when and one.spec.when.text)) == (
        None,
        "data.contry == 'DE'",
    )
    assert len(faults) == 1
    assert declared(Start("orders", input="dta"))[0] == []


@pytest.mark.parametrize(
    ("document", "valid"),
    [
        ({"a": START, "w/start": {"paused": True}}, True),
        ({"a": DELIVER, "b": EVERY}, True),
        ({"a": {**START, "wen": 1}}, False),
        ({"a": {**START, "early": "soon"}}, False),
    ],
)
def test_the_schema_for_editors_tells_routes_from_others(document: Any, valid: bool) -> None:
    schema = jsonschema.Draft202012Validator(json.loads(schemas()["RoutesFile.json"]))
    assert schema.is_valid(document) is valid
