"""A stack that keeps what it keeps for seconds, so that memory shows what is never let go of."""

from dataclasses import replace
from pathlib import Path

from bench.contenders import Contender
from bench.growth.stack import USHER
from usher.stack.settings import StackSettings

SECONDS_TO_FORGET = 60
"""A run is purged after 20 s, an entry trimmed within 40 s of its acknowledgement."""
_CONFIGURATION = "configuration-orchestrator.yaml"
_RETENTION, _SHORT = '"168h"', '"20s"'
_DAYS = str(26 / 86400)


def forgetful(folder: Path) -> Contender:
    """Return Usher with short retentions; the ledger's entries are kept as ever."""
    text = (StackSettings().components_dir / _CONFIGURATION).read_text()
    assert _RETENTION in text
    shortened = folder / _CONFIGURATION
    shortened.write_text(text.replace(_RETENTION, _SHORT))
    levers = {
        "orchestrator": {"USHER_STREAM_DAYS": _DAYS},
        "orchestrator-daprd": {"--config": str(shortened)},
        "notifier": {
            "USHER_STREAM_DAYS": _DAYS,
            "NOTIFIER_TRIM_SECONDS": "10",
            "NOTIFIER_KEEP": "1000",
        },
    }
    return replace(USHER, levers=levers)
