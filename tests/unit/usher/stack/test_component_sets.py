"""The component files of another broker or store take the place of those for Redis."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.repo.files import ROOT
from usher.stack.component_sets import with_component_sets
from usher.stack.settings import StackSettings

SHAPES: list[tuple[dict[str, Any], list[str]]] = [
    ({"state": "postgres"}, ["postgres"]),
    ({"broker": "kafka"}, ["kafka"]),
    ({"broker": "kafka", "state": "postgres"}, ["kafka", "postgres"]),
]


def test_without_another_one_the_files_are_used_where_they_are(tmp_path: Path) -> None:
    settings = StackSettings(data_dir=tmp_path)
    assert settings.component_folders == (ROOT / "components",)
    assert with_component_sets(settings) is settings
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("chosen", "sets"), SHAPES)
def test_each_file_is_that_of_the_last_set_that_has_it(
    chosen: dict[str, Any], sets: list[str], tmp_path: Path
) -> None:
    settings = StackSettings(data_dir=tmp_path, **chosen).shifted(50)
    folders = [ROOT / "components", *(ROOT / "component-sets" / one for one in sets)]
    assert list(settings.component_folders) == folders
    (tmp_path / "components").mkdir()
    (tmp_path / "components" / "of-another-broker.yaml").touch()
    used = with_component_sets(settings).components_dir
    wanted = {file.name: file for folder in folders for file in folder.iterdir()}
    assert {file.name for file in used.iterdir()} == set(wanted)
    for name, file in wanted.items():
        assert (used / name).read_text() == file.read_text()


def test_a_folder_of_the_users_own_stays_as_it_is(tmp_path: Path) -> None:
    own = tmp_path / "own"
    settings = StackSettings(data_dir=tmp_path, components_dir=own, broker="kafka")
    assert settings.component_folders == (own,)
    assert with_component_sets(settings).components_dir == own


def test_a_redis_with_tls_and_a_database_is_named_in_each_of_its_components(tmp_path: Path) -> None:
    settings = StackSettings(data_dir=tmp_path, redis_url="rediss://db.example/3", broker="kafka")
    used = with_component_sets(settings).components_dir
    found = {}
    for file in used.glob("*.yaml"):
        spec = yaml.safe_load(file.read_text()).get("spec") or {}
        options = {one["name"]: one.get("value") for one in spec.get("metadata") or []}
        if "enableTLS" in options:
            found[file.stem] = spec["type"], options["enableTLS"], options["redisDB"]
    assert found == dict.fromkeys(("ledger", "statestore"), ("state.redis", "true", "3"))
