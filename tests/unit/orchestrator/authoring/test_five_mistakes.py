"""Five workflows as an author writes them, knowing the SDK and two decorators; and each mistake."""

import sys
from pathlib import Path
from typing import Any

import pytest

from orchestrator.authoring.catalogue import Catalogue, CatalogueError
from tests.support.replay import PENDING, Answers, failed, play

HEAD = '''\
"""A workflow of somebody's own."""

import uuid
from datetime import datetime, timedelta

from dapr.ext.workflow import DaprWorkflowContext, RetryPolicy, TaskFailedError, when_all, when_any
from pydantic import BaseModel, Field

from usher import activity, workflow

'''

FIVE = {
    "translate_workflow": '''
@activity
def translate_activity(_, text: str) -> str:
    return {"hello": "bonjour"}.get(text, text)

@workflow(example="hello")
def translate_workflow(ctx: DaprWorkflowContext, input: str):
    """Translate one text."""
    translated = yield ctx.call_activity(translate_activity, input=input)
    return {"translated": translated}
''',
    "invoice_workflow": '''
class Line(BaseModel):
    item: str
    cents: int = Field(ge=0)

class Invoice(BaseModel):
    lines: list[Line] = []

@activity
def tax_activity(_, line: Line) -> int:
    return line.cents // 5

@workflow(example={"lines": [{"item": "tea", "cents": 500}, {"item": "cup", "cents": 1000}]})
def invoice_workflow(ctx: DaprWorkflowContext, input: Invoice):
    """Add up an invoice, the taxes of its lines all at once."""
    taxes = yield when_all([ctx.call_activity(tax_activity, input=line) for line in input.lines])
    net = sum(line.cents for line in input.lines)
    return {"net": net, "tax": sum(taxes), "at": ctx.current_utc_datetime.isoformat()}
''',
    "survey_workflow": '''
class Survey(BaseModel):
    people: list[str] = ["Ada", "Grace"]
    seconds: float = Field(60, gt=0)

@workflow(example={"people": ["Ada", "Grace"]})
def survey_workflow(ctx: DaprWorkflowContext, input: Survey):
    """Ask several people; whoever has not answered in time has no say."""
    answers = {person: ctx.wait_for_external_event(person) for person in input.people}
    until = ctx.create_timer(timedelta(seconds=input.seconds))
    while not all(answer.is_complete for answer in answers.values()):
        first = yield when_any([until, *(a for a in answers.values() if not a.is_complete)])
        if first is until:
            break
    return {person: a.get_result() for person, a in answers.items() if a.is_complete}
''',
    "heartbeat_workflow": '''
class Heart(BaseModel):
    beats: int = 0
    last: int = 3

@workflow(example={"last": 3})
def heartbeat_workflow(ctx: DaprWorkflowContext, input: Heart):
    """Beat every second until the last beat."""
    if input.beats == input.last:
        return input.beats
    yield ctx.create_timer(timedelta(seconds=1))
    ctx.continue_as_new(Heart(beats=input.beats + 1, last=input.last))
''',
    "travel_workflow": '''
class Trip(BaseModel):
    city: str = "Bern"
    nights: int = Field(2, ge=1)

RETRY = RetryPolicy(first_retry_interval=timedelta(seconds=1), max_number_of_attempts=3)

@activity
def book_activity(_, booking: dict) -> str:
    return f"booked {booking['city']}"

@activity
def cancel_activity(_, booking: dict) -> None: ...

@workflow(announce=False)
def booking_workflow(ctx: DaprWorkflowContext, booking: dict):
    """Book; this is only ever a child."""
    return (yield ctx.call_activity(book_activity, input=booking, retry_policy=RETRY))

@workflow(example={"city": "Bern", "nights": 2})
def travel_workflow(ctx: DaprWorkflowContext, input: Trip):
    """Book a trip through a child, and cancel it where that fails."""
    booking = {"id": str(ctx.new_guid()), **input.model_dump()}
    try:
        return (yield ctx.call_child_workflow(booking_workflow, input=booking))
    except TaskFailedError:
        yield ctx.call_activity(cancel_activity, input=booking)
        return "cancelled"
''',
}

PLAYED: list[tuple[str, Answers, Any]] = [
    ("translate_workflow", {"translate_activity": "bonjour"}, {"translated": "bonjour"}),
    (
        "invoice_workflow",
        {"tax_activity": lambda step: step.input["cents"] // 5},
        {"net": 1500, "tax": 300, "at": "2030-01-01T00:00:02"},
    ),
    ("survey_workflow", {"timer": PENDING, "Ada": 1, "Grace": 2}, {"Ada": 1, "Grace": 2}),
    ("survey_workflow", {"timer": None}, {}),
    ("travel_workflow", {"booking_workflow": "booked Bern"}, "booked Bern"),
    ("travel_workflow", {"booking_workflow": failed("full"), "cancel_activity": None}, "cancelled"),
]

WRONG = [
    (
        "not a generator",
        "translate_workflow",
        "yield ctx.call_activity(translate_activity, input=input)",
        "translate_activity(None, input)",
        "a workflow is a generator, and this never yields",
    ),
    (
        "no type for the input",
        "survey_workflow",
        "input: Survey",
        "input",
        "`input` has no type",
    ),
    (
        "an example that is no JSON",
        "invoice_workflow",
        'example={"lines": [{"item": "tea", "cents": 500}, {"item": "cup", "cents": 1000}]}',
        "example=Invoice()",
        "its example is no JSON",
    ),
    (
        "an example that does not fit",
        "invoice_workflow",
        '"cents": 1000',
        '"cent": 1000',
        "input.lines.1.cent: there is no such field",
    ),
    (
        "continue_as_new yielded",
        "heartbeat_workflow",
        "    ctx.continue_as_new",
        "    yield ctx.continue_as_new",
        "write it without `yield`",
    ),
    (
        "the wall clock",
        "invoice_workflow",
        "ctx.current_utc_datetime",
        "datetime.now()",
        "write `ctx.current_utc_datetime`",
    ),
    ("randomness", "travel_workflow", "ctx.new_guid()", "uuid.uuid4()", "write `ctx.new_guid()`"),
    ("a broken import", "travel_workflow", "class Trip", "import no_such\nclass Trip", "no_such"),
    ("a type that is nowhere", "survey_workflow", "input: Survey", "input: 'Survy'", "'Survy'"),
]


@pytest.fixture(autouse=True)
def _the_path_for_imports_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, body in FIVE.items():
        (tmp_path / f"{name}.py").write_text(HEAD + body)
    return tmp_path


def test_the_five_are_served_without_a_warning(folder: Path) -> None:
    found = Catalogue.scan([folder])
    assert {*FIVE, "booking_workflow"} <= set(found.workflows)
    assert found.warnings == ()


@pytest.mark.parametrize(("name", "answers", "output"), PLAYED)
def test_the_five_do_what_they_say(folder: Path, name: str, answers: Answers, output: Any) -> None:
    workflow = Catalogue.scan([folder]).workflows[name]
    assert play(workflow.function, workflow.parse(workflow.tag.example), answers).output == output


def test_the_heart_beats_on_with_its_state(folder: Path) -> None:
    workflow = Catalogue.scan([folder]).workflows["heartbeat_workflow"]
    first = play(workflow.function, workflow.parse({"last": 1}), {"timer": None})
    assert first.continued["input"] == {"beats": 1, "last": 1}
    assert play(workflow.function, workflow.parse(first.continued["input"]), {}).output == 1


@pytest.mark.parametrize(
    ("name", "right", "wrong", "said"), [pytest.param(*case[1:], id=case[0]) for case in WRONG]
)
def test_a_mistake_in_one_of_them_is_said_with_its_place_and_only_that(
    folder: Path, name: str, right: str, wrong: str, said: str
) -> None:
    file = folder / f"{name}.py"
    assert file.read_text().count(right) == 1
    file.write_text(file.read_text().replace(right, wrong))
    with pytest.raises(CatalogueError) as error:
        Catalogue.scan([folder])
    (line,) = str(error.value).splitlines()
    assert line.startswith(f"{file}:")
    assert said in line


def test_two_files_with_one_name_are_both_named(folder: Path) -> None:
    copy = folder / "another.py"
    copy.write_text(HEAD + FIVE["heartbeat_workflow"])
    with pytest.raises(CatalogueError) as error:
        Catalogue.scan([folder])
    (line,) = str(error.value).splitlines()
    assert str(copy) in line
    assert str(folder / "heartbeat_workflow.py") in line


def test_all_of_it_at_once_is_all_said(folder: Path) -> None:
    for _, name, right, wrong, _ in WRONG:
        file = folder / f"{name}.py"
        if wrong.startswith("import") or "Survy" in wrong or "Invoice()" in wrong:
            continue  # these hide what comes after them, or what came before
        file.write_text(file.read_text().replace(right, wrong))
    with pytest.raises(CatalogueError) as error:
        Catalogue.scan([folder])
    said = str(error.value)
    for phrase in ("never yields", "has no type", "no such field", "without `yield`"):
        assert phrase in said
    for phrase in ("ctx.current_utc_datetime", "ctx.new_guid()"):
        assert phrase in said
    assert len(said.splitlines()) == 6
