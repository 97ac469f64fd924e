"""CPU and calls between two moments, as the benchmark takes them."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE, Popen

import psutil
import pytest

from bench.counts import jobs, served
from bench.usage import Restarted, Usage, own_cpu, usage_of
from usher.stack.ownership import MARK


def test_cpu_is_told_for_each_process_apart() -> None:
    before = Usage({"redis": 1.0, "worker": 5.0}, {}, frozenset({1, 2}))
    after = Usage({"redis": 1.5, "worker": 9.0}, {}, frozenset({1, 2}))
    assert after.since(before) == {"redis": 0.5, "worker": 4.0}


def test_a_process_that_came_meanwhile_counts_from_its_start() -> None:
    before = Usage({"redis": 1.0}, {}, frozenset({1}))
    after = Usage({"redis": 1.0, "worker": 0.25}, {}, frozenset({1, 2}))
    assert after.since(before) == {"redis": 0.0, "worker": 0.25}


def test_a_process_that_ended_meanwhile_spoils_the_measurement() -> None:
    before = Usage({"worker": 5.0}, {}, frozenset({2}))
    after = Usage({"worker": 0.1}, {}, frozenset({3}))
    with pytest.raises(Restarted, match="2"):
        after.since(before)


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Popen[bytes]]:
    """A process that looks like one of the stack in `tmp_path`, and has worked a little."""
    work = "x = sum(i * i for i in range(2_000_000)); print('done', flush=True); input()"
    env = {**os.environ, MARK: str(tmp_path), "SUPERVISOR_PROCESS_NAME": "worker"}
    with Popen([sys.executable, "-c", work], env=env, stdin=PIPE, stdout=PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"done\n"
        yield process
        process.kill()


def test_a_stacks_processes_are_found_and_weighed(worker: Popen[bytes], tmp_path: Path) -> None:
    usage = usage_of(tmp_path)
    assert usage.pids == {worker.pid}
    assert set(usage.cpu) == set(usage.rss) == {"worker"}
    assert usage.cpu["worker"] > 0
    assert usage.rss["worker"] == pytest.approx(psutil.Process(worker.pid).memory_info().rss, 0.1)


def test_a_child_that_hides_its_environment_counts_as_its_parent(tmp_path: Path) -> None:
    """As Postgres' children do, which write their titles over it."""
    child = "import time; x = sum(i * i for i in range(2_000_000)); print('done', flush=True)"
    parent = (
        "import subprocess, sys;"
        f"subprocess.run([sys.executable, '-c', {child + '; input()'!r}], env={{}})"
    )
    env = {**os.environ, MARK: str(tmp_path), "SUPERVISOR_PROCESS_NAME": "postgres"}
    with Popen([sys.executable, "-c", parent], env=env, stdin=PIPE, stdout=PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"done\n"
        (hidden,) = psutil.Process(process.pid).children()
        usage = usage_of(tmp_path)
        of_child = hidden.cpu_times()
        process.communicate(b"\n", timeout=30)
    assert usage.pids == {process.pid}
    assert usage.cpu["postgres"] >= of_child.user > 0


def test_the_driver_weighs_itself() -> None:
    before = own_cpu()
    while own_cpu() == before:  # ends: looking costs time too
        pass
    assert own_cpu() > before


def test_calls_are_read_from_a_sidecars_metrics() -> None:
    text = "\n".join(
        [
            "# TYPE dapr_grpc_io_server_completed_rpcs counter",
            'dapr_grpc_io_server_completed_rpcs{app_id="a",grpc_server_method="/dapr.v1.Dapr/'
            'GetState",grpc_server_status="OK"} 12',
            'dapr_grpc_io_server_completed_rpcs{app_id="a",grpc_server_method="/dapr.v1.Dapr/'
            'GetState",grpc_server_status="CANCELLED"} 1',
            'dapr_grpc_io_client_completed_rpcs{app_id="a",grpc_client_method="/dapr.v1.Dapr/'
            'OnTopicEvent"} 40',
            'dapr_grpc_io_server_completed_rpcs{grpc_server_method="/x/SaveState"} 3e+01',
        ]
    )
    assert served(text) == {"sidecar GetState": 13, "sidecar SaveState": 30}


def test_jobs_are_read_from_a_schedulers_metrics() -> None:
    text = "\n".join(
        [
            "# TYPE dapr_scheduler_jobs_created_total counter",
            'dapr_scheduler_jobs_created_total{type="actor"} 19908',
            'dapr_scheduler_jobs_created_total{type="unspecified"} 2',
            'dapr_scheduler_jobs_triggered_total{type="actor"} 19861',
        ]
    )
    assert jobs(text) == {"scheduler jobs": 19910}
