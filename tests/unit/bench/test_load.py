"""The benchmark's load, on a notifier of our own: a file that lines are written to."""

import json
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bench.hearing import Hearing, heard_in
from bench.load import Load


class Served:
    """Takes requests, and writes the lines that a notifier would; some it forgets or repeats."""

    def __init__(self, log: Path, forget: int = 0, repeat: int = 0) -> None:
        self._log = log
        self._forget = forget
        self._repeat = repeat
        self._lock = threading.Lock()
        self.sent: list[str] = []

    def send(self, order: str) -> None:
        with self._lock:
            self.sent.append(order)
            place = len(self.sent)
            times = 0 if place <= self._forget else 2 if place <= self._repeat else 1
            line = {"output": {"order": order}, "seen_at": datetime.now(UTC).isoformat()}
            with self._log.open("a") as log:
                log.write(f"{json.dumps(line)}\n" * times)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "notifier.log"


def test_each_request_of_a_burst_is_sent_once_and_timed(log: Path) -> None:
    served = Served(log)
    with Hearing(log) as hearing:
        outcome = Load(served.send, hearing).burst(40)
    assert len(served.sent) == len(set(served.sent)) == 40
    assert (outcome.lost, outcome.doubled, len(outcome.latencies)) == (0, 0, 40)
    assert all(-0.001 < latency < 10 for latency in outcome.latencies)  # two clocks' digits
    assert outcome.throughput == pytest.approx(40 / outcome.seconds)


def test_what_does_not_come_is_lost_and_what_comes_again_is_doubled(log: Path) -> None:
    served = Served(log, forget=2, repeat=5)
    with Hearing(log) as hearing:
        outcome = Load(served.send, hearing, patience=0.2).burst(10)
    assert (outcome.lost, outcome.doubled, len(outcome.latencies)) == (2, 3, 8)


def test_nothing_at_all_heard_is_a_throughput_of_none(log: Path) -> None:
    served = Served(log, forget=5)
    with Hearing(log) as hearing:
        outcome = Load(served.send, hearing, patience=0.1).burst(5)
    assert (outcome.lost, outcome.throughput) == (5, 0)


def test_one_at_a_time_waits_for_each_notice(log: Path) -> None:
    served = Served(log)
    with Hearing(log) as hearing:

        def send(order: str) -> None:
            assert all(hearing.times(one) for one in served.sent)
            served.send(order)

        assert len(Load(send, hearing).one_at_a_time(5).latencies) == 5


def test_a_steady_load_sends_nothing_before_its_time(log: Path) -> None:
    served, after = Served(log), []
    begun = time.monotonic()

    def send(order: str) -> None:
        after.append(time.monotonic() - begun)
        served.send(order)

    with Hearing(log) as hearing:
        outcome = Load(send, hearing).steady(rate=100, seconds=0.2)
    assert len(served.sent) == len(outcome.latencies) == 20
    assert all(at >= number / 100 for number, at in enumerate(sorted(after)))


def test_no_order_is_used_twice(log: Path) -> None:
    served = Served(log)
    with Hearing(log) as hearing:
        load = Load(served.send, hearing)
        load.burst(3)
        load.one_at_a_time(2)
        load.burst(3)
    assert len(set(served.sent)) == 8


@pytest.mark.parametrize(
    "line",
    [
        "12:00:00 ready",
        "{",
        "[]",
        '"order"',
        '{"level": "info"}',
        '{"output": null, "seen_at": "2026-01-01T00:00:00Z"}',
        '{"output": {"order": "o-1"}, "seen_at": "soon"}',
    ],
)
def test_other_lines_of_a_log_are_no_notices(line: str) -> None:
    assert heard_in(line) is None


def test_a_notice_is_told_by_its_order_and_the_notifiers_time() -> None:
    line = '{"output": {"order": "o-1"}, "seen_at": "1970-01-01T00:01:00.5+00:00"}'
    assert heard_in(line) == ("o-1", 60.5)
