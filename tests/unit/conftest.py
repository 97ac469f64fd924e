"""Unit tests see Usher's defaults, whatever the shell that runs them has set."""

import os

import pytest


@pytest.fixture(autouse=True)
def _default_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("USHER_")]:
        monkeypatch.delenv(name)
