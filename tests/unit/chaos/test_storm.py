"""The parts of a storm: a publisher that counts what is acknowledged, blows that wait."""

import json
import os
import signal
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import httpx
import psutil
import pytest

from tests.chaos.blows import Blows
from tests.chaos.observe import Tally
from tests.chaos.plan import IN_FLIGHT, Blow, Plan, plan
from tests.chaos.publisher import Publisher
from usher.stack.settings import StackSettings
from usher.stack.stack import Stack
from usher.stack.wait import wait_until

PLAN = plan(3, 250)
Victim = subprocess.Popen[bytes]


class Broker:
    """Takes what is published; its answer may be lost, or it may be away."""

    def __init__(self) -> None:
        self.received: Counter[str] = Counter()
        self.failing: Callable[[str], bool] = lambda _: False
        self.loses_answers = False

    def __call__(self, request: httpx.Request) -> httpx.Response:
        mark = json.loads(request.content)["id"]
        if self.failing(mark):
            return httpx.Response(500)
        self.received[mark] += 1
        if self.loses_answers:
            raise httpx.ReadTimeout("the answer is lost")
        return httpx.Response(204)


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest.fixture
def publisher(broker: Broker, tmp_path: Path) -> Iterator[Publisher]:
    identified = [p for p in PLAN.publications if p.door != "raw"]
    http = httpx.Client(transport=httpx.MockTransport(broker))
    opened = Publisher(http, StackSettings(data_dir=tmp_path), identified)
    yield opened
    opened.close()


def _publish_all(publisher: Publisher, rounds: int = 200) -> None:
    for _ in range(rounds):
        publisher.publish(1000, lambda _: True)


def test_everything_is_published_as_often_as_planned(publisher: Publisher, broker: Broker) -> None:
    _publish_all(publisher)
    assert publisher.left == 0
    assert publisher.accepted == broker.received
    assert publisher.accepted == Counter(p.mark for p in PLAN.publications if p.door != "raw")
    assert publisher.runs == {run.instance_id for run in PLAN.runs}


def test_what_is_not_acknowledged_is_not_accepted_and_is_sent_again_under_its_id(
    publisher: Publisher, broker: Broker
) -> None:
    broker.failing = lambda _: True
    _publish_all(publisher, 3)
    assert not publisher.accepted
    assert not publisher.runs
    broker.failing = lambda _: False
    _publish_all(publisher)
    assert publisher.left == 0
    assert publisher.accepted == broker.received


def test_an_answer_that_is_lost_counts_for_nothing(publisher: Publisher, broker: Broker) -> None:
    broker.loses_answers = True
    publisher.publish(1000, lambda _: True)
    assert broker.received
    assert not publisher.accepted
    broker.loses_answers = False
    _publish_all(publisher)
    assert publisher.accepted
    assert publisher.accepted <= broker.received
    assert broker.received.total() > publisher.accepted.total()


def test_no_more_runs_begin_than_may(publisher: Publisher) -> None:
    for _ in range(20):
        publisher.publish(7 - len(publisher.begun), lambda _: True)
    assert len(publisher.begun) == len(publisher.runs) == 7


def test_while_a_door_is_closed_no_further_run_begins(publisher: Publisher, broker: Broker) -> None:
    """It was otherwise once: the flight ran empty by the other door, and a blow never fell."""
    closed = {p.mark for p in PLAN.publications if p.door == "starter"}
    broker.failing = closed.__contains__
    publisher.publish(1000, lambda _: True)
    begun = set(publisher.begun)
    assert publisher.begun - publisher.runs
    for _ in range(20):
        publisher.publish(1000, lambda _: True)
    assert publisher.begun == begun
    broker.failing = lambda _: False
    _publish_all(publisher)
    assert publisher.left == 0


def test_what_is_behind_a_gate_waits_and_holds_nobody_up(
    publisher: Publisher, broker: Broker
) -> None:
    for _ in range(200):
        publisher.publish(1000, lambda _: False)
    gated = {p.mark for p in PLAN.publications if p.gate}
    assert gated
    assert not gated & set(broker.received)
    assert publisher.runs == {run.instance_id for run in PLAN.runs}
    _publish_all(publisher)
    assert gated <= set(broker.received)


class Processes:
    """Stands in for a stack: a process to kill, or none."""

    def __init__(self, pids: dict[str, int]) -> None:
        self._pids = pids
        self.log: list[str] = []

    def names(self) -> list[str]:
        return ["redis", "orchestrator-daprd", "orchestrator", "orchestrator-2"]

    def pids(self) -> dict[str, int]:
        return self._pids

    def stop(self, name: str) -> None:
        self.log.append(f"stop {name}")

    def start(self, name: str) -> None:
        self.log.append(f"start {name}")


def _blows(stack: Processes, *blows: Blow, kept: int = 0) -> Blows:
    return Blows(cast(Stack, stack), Plan(1, 100, 1, (), blows, kept), lambda _: None)


@pytest.fixture
def victim() -> Iterator[Victim]:
    process = subprocess.Popen(["sleep", "60"])
    yield process
    process.kill()
    process.wait(5)


def test_a_blow_falls_once_after_its_count_and_with_enough_in_flight(
    victim: subprocess.Popen[bytes],
) -> None:
    blows = _blows(Processes({"redis": victim.pid}), Blow("redis", "notice", 10))
    blows.strike(starts=50, notices=9, in_flight=99)
    blows.strike(starts=50, notices=10, in_flight=IN_FLIGHT - 1)
    assert not blows.struck
    assert victim.poll() is None
    blows.strike(starts=50, notices=12, in_flight=IN_FLIGHT)
    assert victim.wait(5) == -signal.SIGKILL
    assert [(s.starts, s.notices, s.in_flight) for s in blows.struck] == [(50, 12, IN_FLIGHT)]
    assert blows.left == 0


def test_orchestrators_are_held_still_while_the_flight_is_filled(victim: Victim) -> None:
    """A starved machine once served all 250 with fewer than 50 in flight: no blow fell."""
    blows = _blows(Processes({"orchestrator": victim.pid}), Blow("redis", "notice", 10))
    assert not blows.due(starts=50, notices=9)
    assert blows.due(starts=50, notices=10)
    process = psutil.Process(victim.pid)
    with blows.standstill():
        assert wait_until(lambda: process.status() == psutil.STATUS_STOPPED, 5)
    assert wait_until(lambda: process.status() != psutil.STATUS_STOPPED, 5)


def test_a_blow_waits_for_its_target_to_run() -> None:
    blows = _blows(Processes({}), Blow("redis", "start", 1))
    blows.strike(starts=5, notices=0, in_flight=99)
    assert (blows.struck, blows.left) == ([], 1)


def test_an_absence_takes_every_orchestrator_and_ends_again() -> None:
    stack = Processes({"orchestrator": os.getpid()})
    away = Blow("orchestrator", "notice", 0, away_seconds=1)
    blows = _blows(stack, away, kept=10)
    blows.strike(0, 0, 99)
    assert blows.absent
    assert stack.log == ["stop orchestrator", "stop orchestrator-2"]

    def back() -> bool:
        blows.strike(0, 0, 99)
        return not blows.absent

    assert wait_until(back, 5)
    assert stack.log[2:] == ["start orchestrator", "start orchestrator-2"]
    assert blows.allowance() == 0


def test_half_a_line_of_the_tally_is_read_once_it_is_whole(tmp_path: Path) -> None:
    file = tmp_path / "tally"
    tally = Tally(file)
    line = {"mark": "m", "instance_id": "i", "step": "one", "execution_id": "e", "at": 1.5}
    text = json.dumps(line) + "\n"
    file.write_text(text + text[:20])
    assert [one.step for one in tally.read()] == ["one"]
    assert tally.read() == []
    file.write_text(text + text)
    assert len(tally.read()) == 1
    assert len(tally.read_all()) == 2
    tally.close()
