"""`usher routes apply`: every orchestrator is asked, and each one's changes or faults are told."""

import json
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from usher.commands.app import app
from usher.session import Wiring

CHANGES = {"added": ["crm"], "removed": [], "changed": ["a", "b"], "paused": [], "resumed": []}
APPLIED = httpx.Response(200, json={"digest": "d1", **CHANGES})
NOTHING = httpx.Response(200, json={"digest": "d1", **{kind: [] for kind in CHANGES}})
FAULTS = [
    {"field": "routes.yaml:3", "message": "crm.from: required"},
    {"field": "routes.yaml:7", "message": "x.strat: there is no such field"},
]
PROBLEM = {"title": "The routes stay as they are", "status": 422, "detail": "…", "errors": FAULTS}
FAULTY = httpx.Response(422, json=PROBLEM)
AWAY = httpx.ConnectError("refused")
FIRST, SECOND = "http://127.0.0.1:8081", "http://127.0.0.1:8091"


def apply(*answers: httpx.Response | Exception, words: tuple[str, ...] = ()) -> Result:
    left = iter(answers)

    def answer(request: httpx.Request) -> httpx.Response:
        assert (request.method, request.url.path) == ("POST", "/routes/apply")
        found = next(left)
        if isinstance(found, Exception):
            raise found
        return found

    wiring = Wiring(http=lambda _: httpx.Client(transport=httpx.MockTransport(answer)))
    return CliRunner().invoke(app, ["routes", "apply", *words], obj=wiring)


@pytest.fixture
def two_replicas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USHER_REPLICAS", "2")


def test_what_changed_is_told() -> None:
    done = apply(APPLIED)
    assert done.stdout == f"{FIRST}: added crm; changed a, b (routes d1)\n"
    assert apply(NOTHING).stdout == f"{FIRST}: nothing changed (routes d1)\n"
    assert done.exit_code == 0


def test_every_fault_is_told_with_its_place() -> None:
    done = apply(FAULTY)
    assert done.exit_code == 1
    assert done.stdout.splitlines() == [
        f"{FIRST}: not applied",
        "routes.yaml:3: crm.from: required",
        "routes.yaml:7: x.strat: there is no such field",
    ]


@pytest.mark.usefixtures("two_replicas")
@pytest.mark.parametrize(
    ("answers", "code"),
    [((APPLIED, NOTHING), 0), ((APPLIED, AWAY), 3), ((FAULTY, AWAY), 1), ((APPLIED, FAULTY), 1)],
)
def test_each_replica_is_named_with_what_became_of_it(answers: Any, code: int) -> None:
    done = apply(*answers)
    assert done.exit_code == code
    assert [url for url in (FIRST, SECOND) if f"{url}: " in done.stdout] == [FIRST, SECOND]
    if AWAY in answers:
        assert f"cannot be reached at {SECOND}" in done.stdout


@pytest.mark.usefixtures("two_replicas")
def test_a_program_gets_one_document() -> None:
    first, second = json.loads(apply(APPLIED, FAULTY, words=("--json",)).stdout)["items"]
    assert first == {"orchestrator": FIRST, "digest": "d1", **CHANGES}
    assert second["orchestrator"] == SECOND
    assert second["error"]["errors"] == FAULTS


def test_an_orchestrator_elsewhere_is_the_only_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USHER_ORCHESTRATOR_URL", "http://elsewhere:9/")
    monkeypatch.setenv("USHER_REPLICAS", "3")
    assert apply(APPLIED).stdout.startswith("http://elsewhere:9: added crm")
