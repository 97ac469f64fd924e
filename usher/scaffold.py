"""`usher new-workflow`: writes a workflow that works, and its test, for an author to go on from."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from string import Template

import usher
from usher.errors import BadInput, CommandError

CHECKOUT = Path(usher.__file__).resolve().parents[1]
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_LONGEST = 30

_WORKFLOW = Template('''\
"""A workflow that (say in one line what it does)."""

from collections.abc import Generator
from typing import Any

import structlog
from dapr.ext.workflow import DaprWorkflowContext, WorkflowActivityContext
from pydantic import BaseModel

from usher import activity, workflow


class ${Name}Request(BaseModel):
    """What a request to start it carries. A field with a default may be left out."""

    text: str = "hello"


@activity
def ${name}_activity(ctx: WorkflowActivityContext, text: str) -> str:
    """Do the work: what touches the world belongs here. It may run more than once."""
    log = structlog.get_logger()
    log.info("working", workflow_id=ctx.workflow_id, task_id=ctx.task_id)
    return text.upper()


@workflow(example={"text": "hello"})
def ${name}_workflow(
    ctx: DaprWorkflowContext,
    request: ${Name}Request,
) -> Generator[Any, Any, dict[str, str]]:
    """Say what it does: `usher workflows` shows this line.

    It is run again from its first line after each `yield`, so it only decides, and the same each
    time: no clock, no chance, no file, no network.
    """
    result = yield ctx.call_activity(${name}_activity, input=request.text)
    return {"result": result}
''')

_TEST = Template('''\
"""${name}_workflow, played by hand: what it schedules and returns."""
${imports}
from orchestrator.authoring.catalogue import Catalogue
from tests.support.replay import activity_context, play

WORKFLOW = "${name}_workflow"
ACTIVITY = "${name}_activity"
${constants}

def test_the_workflow_returns_what_its_activity_made() -> None:
    workflow = Catalogue.scan(${folders}).workflows[WORKFLOW]
    request = workflow.parse({"text": "hello"})
    played = play(workflow.function, request, {ACTIVITY: "HELLO"})
    assert [step.name for step in played.steps] == [ACTIVITY]
    assert played.output == {"result": "HELLO"}


def test_the_activity_does_the_work() -> None:
    activity = Catalogue.scan(${folders}).activities[ACTIVITY]
    assert activity(activity_context(), "hello") == "HELLO"
''')


@dataclass(frozen=True)
class Written:
    """What was written; `folder` is the author's own, None where it went into this checkout."""

    workflow: str
    file: Path
    test: Path
    folder: Path | None

    def as_json(self) -> dict[str, str]:
        """Return where it is, and the commands to go on with."""
        own = f"USHER_WORKFLOWS={self.folder} " if self.folder else ""
        return {
            "workflow": str(self.file),
            "test": str(self.test),
            "run its test": f".venv/bin/pytest {self.test}",
            "serve it": f"{own}make down up",
            "start it": f'.venv/bin/usher publish {self.workflow} \'{{"text": "hello"}}\'',
        }


def new_workflow(name: str, folder: Path | None = None, checkout: Path = CHECKOUT) -> Written:
    """Write `<name>_workflow.py` and its test; `name` may end in `_workflow` or not.

    They go into this checkout, or into `folder` and its `tests/`, for a folder of one's own that
    `USHER_WORKFLOWS` names. Raises `BadInput` for a name that will not do, and for one that is
    taken; then nothing is written.
    """
    stem = name.removesuffix("_workflow")
    if not _NAME.fullmatch(stem) or len(stem) > _LONGEST:
        wanted = f"lower-case words joined by _, at most {_LONGEST} characters: order_intake"
        raise BadInput(f"{name!r} is no name for a workflow.", f"Names are {wanted}")
    ours = checkout / "orchestrator" / "workflows"
    if not (checkout / "tests" / "support" / "replay.py").is_file():
        raise CommandError(f"This works in a checkout of Usher, which {checkout} is not.")
    own = folder.absolute() if folder else None
    home, tests = (own, own / "tests") if own else (ours, checkout / "tests" / "unit")
    workflow = f"{stem}_workflow"
    written = Written(workflow, home / f"{workflow}.py", tests / f"test_{workflow}.py", own)
    _refuse_what_is_taken(written, {workflow, f"{stem}_activity"}, {ours, home})
    words = {
        "name": stem,
        "Name": "".join(word.capitalize() for word in stem.split("_")),
        "imports": "\nfrom pathlib import Path\n" if own else "",
        "constants": "FOLDERS = [Path(__file__).parents[1]]\n" if own else "",
        "folders": "FOLDERS" if own else "",
    }
    for file, template in ((written.file, _WORKFLOW), (written.test, _TEST)):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(template.substitute(words))
    return written


def _refuse_what_is_taken(written: Written, names: set[str], folders: Iterable[Path]) -> None:
    for file in (written.file, written.test):
        if file.exists():
            raise BadInput(f"{file} is there already.", "Choose another name, or remove it first.")
    claim = re.compile(rf"^(?:async )?def ({'|'.join(names)})\(", re.MULTILINE)
    for file in (file for folder in folders for file in sorted(folder.glob("*.py"))):
        if taken := claim.search(file.read_text(errors="replace")):
            raise BadInput(f"The name {taken[1]} is taken, in {file}.", "Choose another one.")
