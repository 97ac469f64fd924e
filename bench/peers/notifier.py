"""HOP 3 of a peer: prints a line for each notice, and keeps nothing, as plain's notifier does."""

import json
import sys
from datetime import UTC, datetime
from typing import Any

from bench.peers.streams import COMPLETIONS, consume


def on_completion(notice: dict[str, Any]) -> None:
    seen_at = datetime.now(UTC).isoformat()
    sys.stdout.write(json.dumps({**notice, "seen_at": seen_at}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    consume(COMPLETIONS, on_completion, threads=1)
