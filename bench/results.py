"""Keeps a run as one small JSON file, and reads it again."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.contenders import Contender
from bench.figures import Visit
from bench.machine import Description
from bench.visit import Plan

FOLDER = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Run:
    """Everything that a run found out."""

    taken: str
    remark: str
    machine: Description
    plan: dict[str, Any]
    contenders: dict[str, dict[str, str]]
    visits: list[Visit]


def run_of(
    remark: str,
    machine: Description,
    plan: Plan,
    contenders: Sequence[Contender],
    visits: Sequence[Visit],
) -> Run:
    said = {
        one.name: {"is": one.says, "stores": one.stores, "delivery": one.delivery}
        for one in contenders
    }
    return Run(
        datetime.now(UTC).date().isoformat(), remark, machine, asdict(plan), said, list(visits)
    )


def save(run: Run, what: str, folder: Path = FOLDER) -> Path:
    """Write `<date>-<what>.json`; one of that name is written over."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{run.taken}-{what}.json"
    path.write_text(json.dumps(rounded(asdict(run)), indent=1) + "\n")
    return path


def rounded(document: Any) -> Any:
    """Return it with each figure to five digits, which is more than it is worth."""
    return json.loads(json.dumps(document), parse_float=lambda text: float(f"{float(text):.5g}"))


def load(path: Path) -> Run:
    document = json.loads(path.read_text())
    return Run(**{**document, "visits": [Visit(**one) for one in document["visits"]]})
