"""The guide cannot drift: its commands are run on the real stack, and show what it says they do.

A block marked `console` is run: `$ command`, and the lines it prints. One marked `text notifier`
holds lines of the notifier. `…` is anything within a line, and alone on a line any lines.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from orchestrator.authoring.catalogue import Catalogue
from tests.support.driver import Driver
from usher.stack.settings import StackSettings, variable
from usher.stack.stack import Stack

GUIDE = Path(__file__).parents[2] / "docs" / "guide.md"
OWN_STACK = "Your own, in five minutes"
_BLOCK = re.compile(r"^```(console|text notifier)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ASKS = ("usher status", "usher workflows", "usher logs", "usher routes list")
"""Commands that only ask: as a reader would, the test asks again until the answer is there."""


@dataclass(frozen=True)
class Step:
    """A command and what it prints; without a command, what the notifier prints."""

    command: str | None
    expected: str


def sections() -> dict[str, list[Step]]:
    """The steps of each section, by its title."""
    found: dict[str, list[Step]] = {}
    for section in GUIDE.read_text().split("\n## ")[1:]:
        title = section.partition("\n")[0]
        steps = [step for kind, text in _BLOCK.findall(section) for step in _steps(kind, text)]
        found[title] = steps
    return found


def _steps(kind: str, text: str) -> Iterator[Step]:
    if kind == "text notifier":
        yield from (Step(None, line) for line in text.splitlines())
        return
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, expected = part.partition("\n")
        yield Step(command, expected.rstrip("\n"))


def pattern(expected: str) -> re.Pattern[str]:
    """What the guide shows as a regular expression over whole lines."""
    lines = []
    for line in expected.splitlines():
        inner = ".*".join(re.escape(part.rstrip()) for part in line.split("…"))
        lines.append(r"(?:.*\n)*" if line == "…" else rf"{inner}[ ]*\n")
    return re.compile("".join(lines))


@dataclass(frozen=True)
class Reader:
    """Somebody who types what the guide says, in a folder of their own."""

    settings: StackSettings
    folder: Path
    path: str
    processes: Path
    """What the dapr CLI may see of /proc: starter's sidecar of this stack only."""

    def does(self, step: Step) -> None:
        """Type, or wait for, what the guide says next."""
        if step.command and not step.command.startswith(_ASKS):
            self._type(step)
            return
        patiently = Retrying(
            stop=stop_after_delay(60),
            wait=wait_fixed(0.3),
            retry=retry_if_exception_type(AssertionError),
            reraise=True,
        )
        patiently(self._type if step.command else self._see, step)

    def _type(self, step: Step) -> None:
        run = subprocess.run(
            ["bash", "-c", str(step.command)],
            cwd=self.folder,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=180,
            check=False,
        )
        told = "".join(f"{line.rstrip()}\n" for line in run.stdout.splitlines())
        fits = pattern(step.expected).fullmatch(told)
        assert fits, f"$ {step.command}\n{told}--- is not ---\n{step.expected}"
        if step.expected in ("", "…"):  # else the guide shows the error
            assert run.returncode == 0, f"$ {step.command}\n{told}"

    def _see(self, step: Step) -> None:
        log = Stack(self.settings).log_path("notifier").read_text(errors="replace")
        assert pattern(step.expected).search(log), f"{log}--- lacks ---\n{step.expected}"

    def _environment(self) -> dict[str, str]:
        ports = {variable(name): str(port) for name, port in self.settings.ports().items()}
        own = {"USHER_DATA_DIR": str(self.settings.data_dir), "HOST_PROC": str(self.processes)}
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST")}
        return {**inherited, **ports, **own, "PATH": self.path}


@pytest.fixture
def reader(
    usher: Driver, dapr_cli: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Reader]:
    """A reader of one section; the last one has a stack to stop and start, beside the tests'."""
    settings = usher.settings
    processes = tmp_path / "proc"
    processes.mkdir()
    pid = usher.stack.pids()["starter-daprd"]
    (processes / str(pid)).symlink_to(f"/proc/{pid}")
    if request.node.callspec.params["title"] == OWN_STACK:
        own = {"data_dir": tmp_path / "stack", "workflows": ()}
        settings = settings.shifted(50).model_copy(update=own)
    programs = (Path(sys.executable).parent, dapr_cli.parent)
    path = os.pathsep.join([*map(str, programs), os.environ["PATH"]])
    yield Reader(settings, tmp_path, path, processes)
    if settings is not usher.settings:
        Stack(settings).down(report=lambda _: None)


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("title", "steps"), [pytest.param(t, s, id=t) for t, s in sections().items()]
)
def test_the_guide_shows_what_happens(reader: Reader, title: str, steps: list[Step]) -> None:
    assert steps, f"{title} has nothing to type"
    for step in steps:
        reader.does(step)


def test_the_guide_goes_through_every_workflow() -> None:
    guide = GUIDE.read_text()
    left_out = [
        d.file.name for d in Catalogue.scan().workflows.values() if d.file.name not in guide
    ]
    assert left_out == []


def test_every_block_of_the_guide_is_closed_and_known() -> None:
    fences = re.findall(r"^```(.*)$", GUIDE.read_text(), re.MULTILINE)
    assert set(fences[1::2]) == {""}
    assert set(fences[::2]) <= {"console", "text notifier", "sh"}
