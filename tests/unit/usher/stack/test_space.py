"""A data folder that is too small is refused in words, before the scheduler panics on it."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from usher.stack.errors import StackError
from usher.stack.space import LEAST_BYTES, refuse_too_little_space


@pytest.mark.parametrize("free", [0, LEAST_BYTES - 1])
def test_too_little_space_is_refused(
    free: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    with pytest.raises(StackError, match="needs 256") as refused:
        refuse_too_little_space(tmp_path)
    assert "USHER_DATA_DIR" in str(refused.value)


def test_enough_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=LEAST_BYTES))
    refuse_too_little_space(tmp_path)
