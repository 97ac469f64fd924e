"""The workflow in the README is found, and does what the README says."""

import re
import sys
from pathlib import Path

import pytest

from orchestrator.authoring.catalogue import Catalogue
from tests.repo.files import ROOT
from tests.support.replay import activity_context, play


def test_the_workflow_of_the_readme_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    [code] = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    (tmp_path / "ship_order.py").write_text(code)
    found = Catalogue.scan([tmp_path])
    assert found.warnings == ()
    workflow, order = found.workflows["ship_order"], {"amount": 40}
    receipt = found.activities["charge"](activity_context(), order)
    played = play(workflow.function, workflow.parse(order), {"charge": receipt, "packed": "box 3"})
    assert played.output == {"receipt": "charged 40 EUR", "parcel": "box 3"}
