"""The benchmark itself, in small: what it counts is right; what it times is no matter of tests."""

import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bench.contenders import chosen
from bench.figures import Visit, mirrored
from bench.session import Session
from bench.stacks import find_binaries
from bench.visit import Plan
from tests.support.budget import FIRST_MINUTE, NOISE, WORKFLOW
from tests.support.stack import PORTS_BESIDE

TINY = Plan(sizes=(20,), singles=2, steady_seconds=0.5, idle_seconds=0.5, warm_up=1)


def report(line: str) -> None:
    sys.stderr.write(f"{line}\n")


@pytest.fixture(scope="module")
def visits(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Visit]:
    folder: Path = tmp_path_factory.mktemp("bench")
    session = Session(find_binaries(report), folder, PORTS_BESIDE + 350, report)
    plain, usher = chosen(["plain", "usher"])
    # A sweep in the middle of a burst would be counted as the burst's.
    swept_late = {"orchestrator": {"ORCHESTRATOR_SWEEP_SECONDS": "3600"}}
    order = [(0, plain), (0, replace(usher, levers=swept_late))]
    return {visit.contender: visit for visit in session.run(order, TINY)}


def test_stacks_that_take_turns_keep_apart(tmp_path: Path) -> None:
    session = Session(find_binaries(report), tmp_path, PORTS_BESIDE + 350, report)
    visits = session.take_turns(list(mirrored(chosen(["plain", "usher"]), 1)), TINY)
    assert [visit.contender for visit in visits] == ["plain", "usher", "usher", "plain"]
    told = [v for visit in visits for m, v in visit.measures.items() if m.startswith("lost")]
    assert told == [0] * 12
    assert all(
        visit.measures["calls sidecar StartInstance at 20, /workflow"] == 1 for visit in visits
    )


@pytest.mark.parametrize("name", ["plain", "usher"])
def test_a_small_run_loses_and_doubles_nothing(visits: dict[str, Visit], name: str) -> None:
    measures = visits[name].measures
    told = {m: v for m, v in measures.items() if m.startswith(("lost", "doubled"))}
    assert set(told.values()) == {0}
    assert len(told) == 6
    assert measures["throughput at 20, /s"] > 0


@pytest.mark.parametrize(("name", "durable_steps"), [("plain", 3), ("usher", 2)])
def test_both_start_once_and_publish_once(
    visits: dict[str, Visit], name: str, durable_steps: int
) -> None:
    """The notice is an activity of plain's; Usher's goes out in the turn that the run ends in."""
    measures = visits[name].measures
    counted = {
        method: measures[f"calls sidecar {method} at 20, /workflow"]
        for method in (
            "StartInstance",
            "CompleteActivityTask",
            "CompleteOrchestratorTask",
            "PublishEvent",
        )
    }
    assert list(counted.values()) == [1, durable_steps, durable_steps + 1, 1]


def test_the_scheduler_has_one_job_less(visits: dict[str, Visit]) -> None:
    """An activity is two jobs; what decision 0010 costs is one: the day on which the run goes."""
    plain, usher = (visits[name].measures for name in ("plain", "usher"))
    jobs = "calls scheduler jobs at 20, /workflow"
    assert 0 < usher[jobs] == plain[jobs] - 1


def test_a_workflow_costs_the_calls_that_it_may(visits: dict[str, Visit]) -> None:
    """The guard: one more call of any kind fails here. What is allowed: tests/support/budget.py."""
    found = {
        matched[1]: round(value)  # a stray call or two of twenty workflows is no change
        for measure, value in visits["usher"].measures.items()
        if (matched := re.fullmatch(r"calls (\w+ \w+) at 20, /workflow", measure))
    }
    kept = {name: n for name, n in found.items() if n and name not in NOISE}
    for name, more in FIRST_MINUTE.items():  # how much of it was counted the machine's speed says
        if WORKFLOW[name] < kept[name] <= WORKFLOW[name] + more:
            kept[name] = WORKFLOW[name]
    assert kept == WORKFLOW


def test_cpu_and_memory_are_known_of_every_process(visits: dict[str, Visit]) -> None:
    measures = visits["usher"].measures
    processes = {"redis", "placement", "scheduler", "supervisord"}
    for service in ("starter", "orchestrator", "notifier"):
        processes |= {service, f"{service}-daprd"}
    for name in processes:
        assert f"cpu {name} at 20, ms/workflow" in measures
        assert measures[f"memory {name}, MB"] > 0
    parts = [measures[f"cpu {name} at 20, ms/workflow"] for name in processes]
    assert measures["cpu at 20, ms/workflow"] == pytest.approx(sum(parts))
