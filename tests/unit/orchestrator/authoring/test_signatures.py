"""What an author gets wrong is said at start-up, all at once, each with file, line and cure."""

import sys
from pathlib import Path

import pytest

from orchestrator.authoring.catalogue import Catalogue, CatalogueError
from orchestrator.runs.reserved import ANNOUNCE

HEAD = """\
from datetime import datetime
from uuid import uuid4
from pydantic import BaseModel, Field
from usher import activity, workflow
class Words(BaseModel):
    text: str
"""
FIRST = HEAD.count("\n") + 1


@pytest.fixture(autouse=True)
def _the_path_for_imports_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])


def put(folder: Path, name: str, body: str) -> Path:
    file = folder / name
    file.write_text(HEAD + body)
    return file


def said_of(folder: Path) -> list[str]:
    with pytest.raises(CatalogueError) as error:
        Catalogue.scan([folder])
    return str(error.value).splitlines()


@pytest.mark.parametrize(
    ("body", "line", "cure"),
    [
        ("@workflow()\ndef wf(ctx, input: str):\n    return input\n", 1, "yield"),
        ("@workflow()\nasync def wf(ctx, input: str):\n    yield input\n", 1, "not `async def`"),
        ("@workflow()\nasync def wf(ctx, input: str):\n    return input\n", 1, "not `async def`"),
        ("@workflow()\nclass wf:\n    def __init__(self, ctx): ...\n", None, "generator"),
        ("@workflow()\ndef wf(ctx, input):\n    yield ctx\n", 1, "`input: str`"),
        ("@workflow()\ndef wf(ctx, data=None):\n    yield ctx\n", 1, "`data: str`"),
        ("@workflow()\ndef wf(ctx, input: 'Wrods'):\n    yield ctx\n", 1, "'Wrods'"),
        ("@workflow()\ndef wf(ctx, input: 'list[Wrods]'):\n    yield ctx\n", 1, "'Wrods'"),
        ("@workflow()\ndef wf(ctx, input: object()):\n    yield ctx\n", 1, "Pydantic model"),
        ("@workflow()\ndef wf(ctx, input: type(open)):\n    yield ctx\n", 1, "Pydantic model"),
        ("@workflow()\ndef wf():\n    return\n    yield\n", 1, "(ctx, input)"),
        ("@workflow()\ndef wf(ctx, a: int, b: int):\n    yield ctx\n", 1, "(ctx, input)"),
        ("@workflow()\ndef wf(ctx, *, a: int):\n    yield ctx\n", 1, "(ctx, input)"),
        ("@workflow(example=Words)\ndef wf(ctx, input: str):\n    yield ctx\n", 1, "no JSON"),
        ("@workflow(example={1.5, 2})\ndef wf(ctx, input: str):\n    yield ctx\n", 1, "no JSON"),
        (
            "@workflow(example=float('nan'))\ndef wf(ctx, input: float):\n    yield ctx\n",
            1,
            "no JSON",
        ),
        (
            "@workflow(example={'txt': 'a'})\ndef wf(ctx, input: Words):\n    yield ctx\n",
            1,
            "input.txt: there is no such field",
        ),
        (
            "@workflow(example={'text': 7})\ndef wf(ctx, input: Words):\n    yield ctx\n",
            1,
            "input.text",
        ),
        ("@workflow(example='a')\ndef wf(ctx):\n    yield ctx\n", 1, "does not fit"),
        (
            "class Ticket(BaseModel):\n    id: str = Field(default_factory=lambda: str(uuid4()))\n"
            "@workflow()\ndef wf(ctx, input: Ticket):\n    yield ctx\n",
            3,
            "default_factory",
        ),
        (f"@workflow()\ndef {ANNOUNCE}(ctx):\n    yield ctx\n", 1, "Usher's own"),
        ("@workflow\ndef wf(ctx):\n    yield ctx\n", 0, "`@workflow()`, with its parentheses"),
        ("@activity\ndef act(ctx, a, b):\n    return a\n", 1, "(ctx, input)"),
        ("@activity\ndef act(ctx, a):\n    yield a\n", 1, "@workflow()"),
        ("x = 1\nimport no_such_module\n", 1, "No module named 'no_such_module'"),
        ("\n\ndef broken(:\n", 2, "SyntaxError"),
        ("def later():\n    raise OSError('gone')\nlater()\n", 1, "OSError: gone"),
        ("raise SystemExit(3)\n", 0, "SystemExit"),
    ],
)
def test_a_mistake_names_its_file_and_line_and_the_cure(
    tmp_path: Path, body: str, line: int | None, cure: str
) -> None:
    file = put(tmp_path, "mistaken.py", body)
    (said,) = said_of(tmp_path)
    where = f"{file}:{FIRST + line}: " if line is not None else f"{file}: "
    assert said.startswith(where)
    assert cure in said.removeprefix(where)


def test_all_mistakes_of_all_files_are_said_at_once(tmp_path: Path) -> None:
    one = put(
        tmp_path,
        "a_many.py",
        "@workflow(example=Words)\ndef same(ctx, input: str):\n"
        "    at = datetime.now()\n    return at\n"
        "@activity\ndef act(ctx, a, b): ...\n",
    )
    two = put(tmp_path, "b_broken.py", "import no_such_module\n")
    three = put(tmp_path, "c_same.py", "@workflow()\ndef same(ctx, input):\n    yield ctx\n")
    said = said_of(tmp_path)
    assert [line.partition(": ")[0] for line in said] == [
        f"{one}:{FIRST + 1}",
        f"{one}:{FIRST + 1}",
        f"{one}:{FIRST + 2}",
        f"{one}:{FIRST + 5}",
        f"{two}:{FIRST}",
        f"{three}:{FIRST + 1}",
        f"{three}:{FIRST + 1}",
    ]
    (claim,) = [line for line in said if "claimed" in line]
    assert f"{one}:{FIRST + 1}" in claim
    assert f"{three}:{FIRST + 1}" in claim


@pytest.mark.parametrize(
    "body",
    [
        "@workflow()\ndef fine_a(ctx, input: Words):\n    yield ctx\n",
        "@workflow(example={'text': 'a'})\ndef fine_b(ctx, input: 'str | Words'):\n    yield ctx\n",
        "@workflow(example=[1, 2])\ndef fine_c(ctx, i: list[int], b: int = 1):\n    yield ctx\n",
        "@activity\ndef fine_d(ctx): ...\n@activity\nasync def fine_e(ctx, a, b=1): ...\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from x import Run\n"
        "@workflow()\ndef fine_f(ctx: 'Run', input: str) -> 'Run':\n    yield ctx\n",
        "import functools\ndef logged(function):\n    @functools.wraps(function)\n"
        "    def run(*args):\n        return function(*args)\n    return run\n"
        "@workflow()\n@logged\ndef fine_g(ctx, input: str):\n    yield ctx\n",
        "class Dated(BaseModel):\n    tags: list[str] = Field(default_factory=list)\n"
        "@workflow()\ndef fine_h(ctx, input: Dated):\n    yield ctx\n",
    ],
)
def test_what_works_is_served(tmp_path: Path, body: str) -> None:
    put(tmp_path, "fine.py", body)
    found = Catalogue.scan([tmp_path])
    assert any(name.startswith("fine_") for name in {**found.workflows, **found.activities})
    assert not [warning for warning in found.warnings if warning.file.parent == tmp_path]


def test_a_warning_has_its_place_and_stops_nothing(tmp_path: Path) -> None:
    body = "@workflow()\ndef odd(ctx):\n    ctx.create_timer(1)\n    yield ctx\n"
    file = put(tmp_path, "odd.py", body)
    found = Catalogue.scan([tmp_path])
    assert "odd" in found.workflows
    (warning,) = [warning for warning in found.warnings if warning.file == file]
    assert str(warning).startswith(f"{file}:{FIRST + 2}: odd: `create_timer` is not waited for")


def test_the_samples_have_no_warnings() -> None:
    assert Catalogue.scan().warnings == ()


def test_the_schema_of_an_input_takes_no_unknown_fields_either(tmp_path: Path) -> None:
    body = (
        "class Page(BaseModel):\n    words: list[Words] = []\n    meta: dict[str, int] = {}\n"
        "@workflow()\ndef with_schema(ctx, input: str | Page):\n    yield ctx\n"
    )
    put(tmp_path, "with_schema.py", body)
    schema = Catalogue.scan([tmp_path]).workflows["with_schema"].input_schema()
    assert schema["$defs"]["Page"]["additionalProperties"] is False
    assert schema["$defs"]["Words"]["additionalProperties"] is False
    assert (
        schema["$defs"]["Page"]["properties"]["meta"]["additionalProperties"]["type"] == "integer"
    )
