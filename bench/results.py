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

STORES = (
    "broker and workflow state in one Redis, AOF with fsync every second: a process that dies loses"
    " nothing, a power cut up to a second; timers and reminders in scheduler's etcd, fsync at each"
    " commit"
)
"""The same for every contender: they run on stacks of the same kind."""


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
        one.name: {"is": one.says, "stores": STORES, "delivery": one.delivery} for one in contenders
    }
    return Run(
        datetime.now(UTC).date().isoformat(), remark, machine, asdict(plan), said, list(visits)
    )


def save(run: Run, what: str, folder: Path = FOLDER) -> Path:
    """Write `<date>-<what>.json`; one of that name is written over."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{run.taken}-{what}.json"
    rounded = json.loads(
        json.dumps(asdict(run)), parse_float=lambda text: float(f"{float(text):.5g}")
    )
    path.write_text(json.dumps(rounded, indent=1) + "\n")
    return path


def load(path: Path) -> Run:
    document = json.loads(path.read_text())
    return Run(**{**document, "visits": [Visit(**one) for one in document["visits"]]})
