"""The embedded stack's secrets: made once, private, shown to nobody."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from usher.stack.conf import render
from usher.stack.processes import processes
from usher.stack.secrets import FILE, NAMES, Secrets, ensure_secrets, read_secrets
from usher.stack.settings import StackSettings
from usher.stack.spec import Binaries, ProcessSpec
from usher.urls import redis_address

NOWHERE = Binaries(Path("redis-server"), Path("daprd"), Path("placement"), Path("scheduler"))


def test_they_are_made_once_for_each_stack_and_are_private(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    assert read_secrets(tmp_path) == Secrets()
    made = ensure_secrets(tmp_path)
    assert ensure_secrets(tmp_path) == read_secrets(tmp_path) == made
    assert len({*made.variables().values(), *ensure_secrets(tmp_path / "other").variables()}) == 6
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600


@pytest.mark.parametrize("found", ["", "DAPR_API_TOKEN=\n", "DAPR_API_TOKEN=x\nAPP_API_TOKEN=y\n"])
def test_what_is_not_whole_is_made_anew(tmp_path: Path, found: str) -> None:
    (tmp_path / FILE).write_text(found)
    (tmp_path / FILE).chmod(0o600)
    made = ensure_secrets(tmp_path).variables()
    assert [len(value) for value in made.values()] == [48, 48, 48]


def test_what_others_could_read_is_made_anew(tmp_path: Path) -> None:
    made = ensure_secrets(tmp_path)
    (tmp_path / FILE).chmod(0o644)
    assert ensure_secrets(tmp_path) != made
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600


def test_a_crash_before_it_is_in_its_place_leaves_no_secret_in_use(tmp_path: Path) -> None:
    (tmp_path / f"{FILE}.partial").write_text("DAPR_API_TOKEN=half")
    assert read_secrets(tmp_path) == Secrets()
    assert ensure_secrets(tmp_path).sidecar_token != "half"


def test_they_print_as_nothing(tmp_path: Path) -> None:
    made = ensure_secrets(tmp_path)
    shown = f"{made} {made!r} {[made]}"
    assert not [value for value in made.variables().values() if value in shown]


def test_each_process_has_those_it_needs_and_no_file_holds_one(tmp_path: Path) -> None:
    specs = processes(StackSettings(data_dir=tmp_path), NOWHERE)
    tokens = {"DAPR_API_TOKEN", "APP_API_TOKEN"}
    assert {spec.name: set(spec.secrets) for spec in specs if spec.secrets} == {
        "starter-daprd": {"USHER_REDIS_PASSWORD"},  # `dapr publish` shows no token
        "orchestrator-daprd": {*tokens, "USHER_REDIS_PASSWORD"},
        "notifier-daprd": {*tokens, "USHER_REDIS_PASSWORD"},
        "orchestrator": tokens,
        "notifier": {*tokens, "USHER_REDIS_PASSWORD"},
    }
    text = render([ProcessSpec("a", ("x",), secrets=("DAPR_API_TOKEN",))], Path("/tmp/socket"))
    assert 'DAPR_API_TOKEN="%(ENV_USHER_SECRET_DAPR_API_TOKEN)s"' in text


def test_the_embedded_redis_alone_is_shown_the_password_of_the_stack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = ensure_secrets(tmp_path).redis_password

    def login() -> tuple[str, str]:
        found = redis_address(StackSettings(data_dir=tmp_path))
        return found.url, found.password

    assert login() == ("redis://127.0.0.1:16379/0", own)
    monkeypatch.setenv("USHER_REDIS_URL", "redis://elsewhere:6379/0")
    assert login() == ("redis://elsewhere:6379/0", "")
    monkeypatch.setenv("USHER_REDIS_PASSWORD", "p@ss")
    assert login() == ("redis://elsewhere:6379/0", "p@ss")
    monkeypatch.setenv("USHER_REDIS_URL", "redis://:own@elsewhere:6379/0")
    assert login() == ("redis://elsewhere:6379/0", "own")


def handed(folder: Path, **environment: str) -> dict[str, str]:
    code = f"import json, os; print(json.dumps([os.environ.get(n, '') for n in {NAMES!r}]))"
    told = subprocess.run(
        [sys.executable, "-m", "usher.stack.with_tokens", sys.executable, "-c", code],
        env={**os.environ, "USHER_SECRETS_DIR": str(folder), **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(zip(NAMES, json.loads(told.stdout), strict=True))


def test_a_program_is_handed_the_same_tokens_each_time(tmp_path: Path) -> None:
    first = handed(tmp_path)
    assert first == handed(tmp_path, DAPR_API_TOKEN="")
    assert len(first["DAPR_API_TOKEN"]) == len(first["APP_API_TOKEN"]) == 48
    given = handed(tmp_path, DAPR_API_TOKEN="of the user")
    assert given == {**first, "DAPR_API_TOKEN": "of the user"}
