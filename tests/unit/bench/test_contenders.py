"""Who takes part in the benchmark, and that each has what it is said to have."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bench.contenders import ALL, chosen, with_lever
from bench.stacks import WORKER_THREADS, specs, stack_settings, untuned, without_secrets
from orchestrator.authoring.catalogue import Catalogue
from usher.stack.processes import processes
from usher.stack.spec import Binaries, ProcessSpec

BINARIES = Binaries(Path("/b/redis"), Path("/b/daprd"), Path("/b/placement"), Path("/b/scheduler"))
NAMES = [contender.name for contender in ALL]


def processes_of(name: str, tmp_path: Path) -> dict[str, ProcessSpec]:
    contender = next(one for one in ALL if one.name == name)
    settings = stack_settings(contender, tmp_path, 350)
    return {spec.name: spec for spec in specs(contender, settings, BINARIES)}


def test_usher_runs_as_shipped_but_for_its_secrets(tmp_path: Path) -> None:
    usher = chosen(["usher"])[0]
    settings = stack_settings(usher, tmp_path, 350)
    shipped = [without_secrets(spec) for spec in processes(settings, BINARIES)]
    assert list(specs(usher, settings, BINARIES)) == shipped
    assert not any(spec.secrets or "--include" in spec.argv for spec in shipped)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "usher"])
def test_nothing_of_ushers_own_code_runs_in_the_others(name: str, tmp_path: Path) -> None:
    programs = [
        spec.argv[2]
        for spec in processes_of(name, tmp_path).values()
        if spec.argv[0] == sys.executable
    ]
    assert programs == ["bench.plain.notifier", "bench.plain.worker"]


@pytest.mark.parametrize("name", NAMES)
def test_every_contender_keeps_its_data_the_same_way(name: str, tmp_path: Path) -> None:
    redis = processes_of(name, tmp_path)["redis"].argv
    assert redis[redis.index("--appendonly") + 1] == "yes"
    assert redis[redis.index("--appendfsync") + 1] == "everysec"


@pytest.mark.parametrize("name", ["plain", "bare"])
def test_an_untuned_contender_has_no_setting_of_ushers(name: str, tmp_path: Path) -> None:
    found = processes_of(name, tmp_path)
    sidecar = found["orchestrator-daprd"]
    assert "--enable-app-health-check" not in sidecar.argv
    assert "--max-body-size" not in sidecar.argv
    resources = Path(sidecar.argv[sidecar.argv.index("--resources-path") + 1])
    assert sorted(file.name for file in resources.iterdir()) == ["pubsub.yaml", "statestore.yaml"]
    assert set(sidecar.env) == {"USHER_REDIS_HOST"}
    assert {n for n in found["orchestrator"].env if n.startswith("PLAIN_")} == {"PLAIN_TOPIC_PORT"}


def test_an_untuned_process_listens_where_the_tuned_one_does(tmp_path: Path) -> None:
    plain, tuned = processes_of("plain", tmp_path), processes_of("plain-tuned", tmp_path)
    for name, spec in plain.items():
        assert {w for w in spec.argv if w.isdecimal()} <= set(tuned[name].argv)
        assert spec.ready == tuned[name].ready


def test_a_setting_that_usher_gains_is_not_handed_to_the_untuned(tmp_path: Path) -> None:
    settings = stack_settings(ALL[0], tmp_path, 350)
    given = processes(settings, BINARIES)[2]
    gained = replace(given, argv=(*given.argv, "--faster", "very"), env={"GOMAXPROCS": "1"})
    assert untuned(gained) == untuned(given)


def test_the_tuned_have_ushers_components_sidecars_and_sdk_settings(tmp_path: Path) -> None:
    usher, tuned = processes_of("usher", tmp_path), processes_of("plain-tuned", tmp_path)
    for name in ("redis", "placement", "scheduler"):
        assert tuned[name].argv[1:3] == usher[name].argv[1:3]
    sidecar = tuned["orchestrator-daprd"].argv
    assert "--enable-app-health-check" in sidecar
    assert str(Path("components").absolute()) in sidecar
    assert tuned["orchestrator"].env["PLAIN_HANDLER_THREADS"] == str(WORKER_THREADS)
    assert "PLAIN_SDK_LOG_LEVEL" in tuned["orchestrator"].env


def test_the_work_is_a_workflow_that_usher_takes() -> None:
    catalogue = Catalogue.scan([Path("bench/workflows").absolute()])
    assert "bench_workflow" in catalogue.workflows


def test_contenders_are_chosen_by_name_in_their_own_order() -> None:
    assert [one.name for one in chosen(["usher", "plain"])] == ["plain", "usher"]
    assert chosen([]) == list(ALL)
    with pytest.raises(ValueError, match="no contender is named fast"):
        chosen(["fast"])


def test_a_lever_sets_variables_of_a_process(tmp_path: Path) -> None:
    lever = with_lever(ALL[1], "scheduler:GOMAXPROCS=1,orchestrator:ORCHESTRATOR_X=a=b")
    settings = stack_settings(lever, tmp_path, 350)
    found = {spec.name: spec.env for spec in specs(lever, settings, BINARIES)}
    assert found["scheduler"]["GOMAXPROCS"] == "1"
    assert found["orchestrator"]["ORCHESTRATOR_X"] == "a=b"
    assert lever.name != ALL[1].name


def test_a_lever_sets_options_of_a_process(tmp_path: Path) -> None:
    lever = with_lever(ALL[1], "orchestrator-daprd:--log-level=warn,redis:--io-threads=2")
    settings = stack_settings(lever, tmp_path, 350)
    found = {spec.name: spec.argv for spec in specs(lever, settings, BINARIES)}
    sidecar = found["orchestrator-daprd"]
    assert sidecar.count("--log-level") == 1
    assert sidecar[sidecar.index("--log-level") + 1] == "warn"
    assert found["redis"][1:3] == ("--io-threads", "2")


@pytest.mark.parametrize("lever", ["", "scheduler", "scheduler:GOMAXPROCS", ":A=1", "x:=1"])
def test_a_lever_that_says_nothing_is_refused(lever: str) -> None:
    with pytest.raises(ValueError, match="a lever is"):
        with_lever(ALL[0], lever)


def test_a_lever_on_a_process_that_is_not_there_is_refused(tmp_path: Path) -> None:
    lever = with_lever(ALL[0], "starter:A=1")
    with pytest.raises(ValueError, match="no process starter"):
        specs(lever, stack_settings(lever, tmp_path, 350), BINARIES)
