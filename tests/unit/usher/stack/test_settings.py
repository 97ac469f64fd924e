"""The embedded stack's settings: defaults, environment, ports."""

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from tests.repo.files import ROOT
from usher.stack.settings import StackSettings, purpose, variable


@pytest.fixture(autouse=True)
def _no_settings_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("USHER_"):
            monkeypatch.delenv(name)


def test_the_defaults_use_no_port_of_a_dapr_init_and_none_that_the_kernel_hands_out() -> None:
    ports = set(StackSettings().ports().values())
    assert ports.isdisjoint({6379, 50005, 50006, 50001, 9090, 58080, 9411})
    assert all(1024 <= port < 32768 for port in ports)


def test_every_port_is_a_setting_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for number, field in enumerate(StackSettings().ports()):
        monkeypatch.setenv(variable(field), str(20000 + number))
    ports = list(StackSettings().ports().values())
    assert ports == list(range(20000, 20000 + len(ports)))


def test_a_port_used_twice_is_refused_with_both_settings_named() -> None:
    with pytest.raises(ValidationError, match="8080: USHER_STARTER_PORT and USHER_REDIS_PORT"):
        StackSettings(redis_port=8080)


def test_a_shifted_stack_shares_no_port_with_the_first() -> None:
    settings = StackSettings(starter_port=9999)
    shifted = settings.shifted(1000)
    assert shifted.starter_port == 10999
    assert set(shifted.ports().values()).isdisjoint(settings.ports().values())


def test_workflow_folders_are_separated_as_on_path(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("USHER_WORKFLOWS", os.pathsep.join(["mine", "/srv/theirs", ""]))
    assert StackSettings().workflows == (tmp_path / "mine", Path("/srv/theirs"))


def test_two_spellings_of_a_data_folder_are_one(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    assert StackSettings(data_dir=tmp_path / "link").data_dir == tmp_path.resolve()


def test_a_checkout_keeps_its_data_and_components_with_it() -> None:
    assert StackSettings().data_dir == ROOT / "build" / "stack"
    assert StackSettings().components_dir == ROOT / "components"


def test_a_service_that_listens_everywhere_is_asked_on_loopback() -> None:
    assert StackSettings(host="0.0.0.0").url("starter") == "http://127.0.0.1:8080"


def test_every_port_says_what_it_is_for() -> None:
    assert all(purpose(field) != field for field in StackSettings().ports())


@pytest.mark.parametrize("prefix", ["Acme-", "-acme", "acme.", "a" * 64, "a b"])
def test_a_prefix_that_is_no_namespace_is_refused(prefix: str) -> None:
    with pytest.raises(ValidationError, match="small letters, digits and '-', such as acme-"):
        StackSettings(topic_prefix=prefix)
