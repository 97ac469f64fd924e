"""What runs in the embedded stack, as a list."""

import sys
from itertools import chain
from pathlib import Path

import pytest

from usher.stack.processes import processes
from usher.stack.settings import StackSettings
from usher.stack.spec import Binaries, ProcessSpec

DAPR = Path("/opt/dapr")
BINARIES = Binaries(
    Path("/usr/bin/redis-server"), DAPR / "daprd", DAPR / "placement", DAPR / "scheduler"
)


@pytest.fixture
def settings(tmp_path: Path) -> StackSettings:
    return StackSettings(data_dir=tmp_path / "data", components_dir=tmp_path / "components")


SIDECARS = ("orchestrator-daprd", "orchestrator-2-daprd")


def named(settings: StackSettings) -> dict[str, ProcessSpec]:
    return {spec.name: spec for spec in processes(settings, BINARIES)}


def test_what_takes_work_in_starts_last_and_is_stopped_first(settings: StackSettings) -> None:
    names = [spec.name for spec in processes(settings, BINARIES)]
    assert names[0] == "redis"
    assert names[-3:] == ["notifier", "orchestrator", "starter"]
    tiers = [spec.tier for spec in processes(settings, BINARIES)]
    assert tiers == sorted(tiers)


def test_every_port_setting_is_claimed_by_exactly_one_process(settings: StackSettings) -> None:
    of_all = settings.model_copy(update={"broker": "kafka"})  # and the state in Redis
    claimed = list(chain.from_iterable(s.ports for s in processes(of_all, BINARIES)))
    assert sorted(claimed) == sorted(settings.ports())


def test_a_port_that_a_process_claims_is_on_its_command_line_or_in_its_environment(
    settings: StackSettings,
) -> None:
    for spec in processes(settings, BINARIES):
        said = " ".join([*spec.argv, *spec.env.values()])
        for field in spec.ports:
            assert str(settings.ports()[field]) in said, (spec.name, field)


def test_the_cli_of_dapr_can_read_app_id_and_port_off_a_sidecar(settings: StackSettings) -> None:
    argv = named(settings)["starter-daprd"].argv
    assert argv[argv.index("--app-id") + 1] == "starter"
    assert argv[argv.index("--dapr-http-port") + 1] == "3500"


def test_only_a_sidecar_whose_service_hears_topics_watches_its_health(
    settings: StackSettings,
) -> None:
    specs = named(settings)
    assert "--app-port" not in specs["starter-daprd"].argv
    for service, port in (("orchestrator", "18081"), ("notifier", "18082")):
        argv = specs[f"{service}-daprd"].argv
        assert argv[argv.index("--app-port") + 1] == port
        assert "--enable-app-health-check" in argv


def test_a_sidecar_finds_redis_by_the_variable_its_components_name(
    settings: StackSettings,
) -> None:
    assert named(settings)["notifier-daprd"].env["USHER_REDIS_HOST"] == "127.0.0.1:16379"


def test_a_prefix_reaches_every_sidecar_and_what_reads_the_broker(settings: StackSettings) -> None:
    specs = named(settings.model_copy(update={"topic_prefix": "acme-", "broker": "kafka"}))
    for service in ("starter", "orchestrator", "notifier"):
        env = specs[f"{service}-daprd"].env
        assert (env["NAMESPACE"], env["USHER_CONSUMER_ID"]) == ("acme-", "{namespace}")
    assert specs["notifier"].env["USHER_TOPIC_PREFIX"] == "acme-"
    assert (specs["kafka"].ready or "").endswith("/acme-")
    assert "NAMESPACE" not in named(settings)["starter-daprd"].env


def test_postgres_is_started_and_named_to_the_sidecars_where_it_holds_the_state(
    settings: StackSettings,
) -> None:
    specs = named(settings.model_copy(update={"state": "postgres"}))
    assert "postgres" not in named(settings)
    assert list(specs)[:2] == ["redis", "postgres"]
    assert specs["postgres"].stop_signal == "INT"
    sockets = str(specs["postgres"].ready).removeprefix("postgres://")
    assert specs["postgres"].argv[-1] == sockets
    assert f"host={sockets} " in specs["orchestrator-daprd"].env["USHER_POSTGRES"]
    assert "USHER_POSTGRES" not in named(settings)["orchestrator-daprd"].env


def test_a_configuration_among_the_components_goes_to_the_sidecar_it_is_named_for(
    settings: StackSettings,
) -> None:
    assert "--config" not in named(settings)["starter-daprd"].argv
    settings.components_dir.mkdir()
    file = settings.components_dir / "configuration-starter.yaml"
    file.touch()
    argv = named(settings)["starter-daprd"].argv
    assert argv[argv.index("--config") + 1] == str(file)
    assert "--config" not in named(settings)["orchestrator-daprd"].argv


def test_a_service_runs_on_this_python_beside_its_own_sidecar(settings: StackSettings) -> None:
    orchestrator = named(settings)["orchestrator"]
    assert orchestrator.argv == (sys.executable, "-m", "orchestrator")
    assert orchestrator.env["DAPR_GRPC_PORT"] == "13501"
    assert orchestrator.env["ORCHESTRATOR_TOPIC_PORT"] == "18081"
    assert orchestrator.ready == "http://127.0.0.1:8081/readyz"


def test_a_second_orchestrator_has_a_sidecar_of_the_same_app_and_ports_of_its_own(
    settings: StackSettings,
) -> None:
    specs = named(settings.model_copy(update={"replicas": 2}))
    first, second = (dict(enumerate(specs[name].argv)) for name in SIDECARS)
    differing = {first[n - 1]: second[n] for n in first if first[n] != second[n]}
    assert differing == {
        "--dapr-http-port": "3511",
        "--dapr-grpc-port": "13511",
        "--dapr-internal-grpc-port": "23511",
        "--metrics-port": "19511",
        "--app-port": "18091",
    }
    assert specs["orchestrator"].env["ORCHESTRATOR_REPLICA"] == "0"
    assert specs["orchestrator-2"].env["ORCHESTRATOR_REPLICA"] == "1"
    assert specs["orchestrator-2"].env["DAPR_GRPC_PORT"] == "13511"
    assert specs["orchestrator-2"].env["ORCHESTRATOR_TOPIC_PORT"] == "18091"
    assert specs["orchestrator-2"].ready == "http://127.0.0.1:8091/readyz"
    assert len(specs) == len(named(settings)) + 2


def test_folders_of_workflows_reach_the_orchestrator(settings: StackSettings) -> None:
    more = settings.model_copy(update={"workflows": (Path("/a"), Path("/b c"))})
    assert named(more)["orchestrator"].env["USHER_WORKFLOWS"] == "/a:/b c"


def test_nobody_is_told_of_tracing_where_there_is_no_endpoint(settings: StackSettings) -> None:
    assert not [name for spec in named(settings).values() for name in spec.env if "OTEL" in name]


def test_services_and_sidecars_are_told_of_one_endpoint(settings: StackSettings) -> None:
    specs = named(settings.model_copy(update={"otlp_endpoint": "http://host:4318/v1/traces"}))
    assert specs["starter"].env["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://host:4318/v1/traces"
    sidecar = specs["starter-daprd"].env
    assert sidecar["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://host:4318"
    assert sidecar["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] == ""
    assert sidecar["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"] == "http/protobuf"
    assert sidecar["OTEL_EXPORTER_OTLP_INSECURE"] == "true"


def test_only_the_services_http_leaves_loopback(settings: StackSettings) -> None:
    specs = named(settings.model_copy(update={"host": "0.0.0.0"}))
    assert specs["starter"].env["STARTER_HOST"] == "0.0.0.0"
    for name in ("redis", "placement", "scheduler", "orchestrator-daprd"):
        assert "0.0.0.0" not in " ".join(specs[name].argv)


def test_a_redis_that_is_named_is_used_and_none_is_run(tmp_path: Path) -> None:
    ca_file = tmp_path / "ca.pem"
    ca_file.touch()
    url = "rediss://ann:secret@db.example:7000/0"
    specs = named(StackSettings(data_dir=tmp_path, redis_url=url, redis_ca_file=ca_file))
    assert "redis" not in specs
    for name in ("notifier", "notifier-daprd", "orchestrator-daprd"):
        env = specs[name].env
        assert env["USHER_REDIS_HOST"] == "db.example:7000"
        assert (env["USHER_REDIS_USERNAME"], env["USHER_REDIS_TLS"]) == ("ann", "true")
        assert "secret" not in str(env)
        assert "USHER_REDIS_PASSWORD" in specs[name].secrets
    assert specs["notifier-daprd"].env["SSL_CERT_FILE"] == str(ca_file)


def test_a_redis_in_which_nothing_is_is_not_run(settings: StackSettings) -> None:
    specs = named(settings.model_copy(update={"broker": "kafka", "state": "postgres"}))
    assert "redis" not in specs
    assert "USHER_REDIS_HOST" not in specs["notifier"].env
    assert specs["notifier"].env["USHER_STATE"] == "postgres"
    assert specs["notifier"].env["USHER_POSTGRES"] == specs["notifier-daprd"].env["USHER_POSTGRES"]
