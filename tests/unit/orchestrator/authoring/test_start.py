"""A mistake in a workflow file stops the orchestrator before it starts, in words for its author."""

import os
import subprocess
import sys
from pathlib import Path


def test_the_orchestrator_says_every_mistake_and_does_not_start(tmp_path: Path) -> None:
    file = tmp_path / "mistaken.py"
    file.write_text(
        "import time\nfrom usher import workflow\n"
        "@workflow()\ndef mistaken(ctx, input):\n    yield time.time()\n"
    )
    started = subprocess.run(
        [sys.executable, "-m", "orchestrator"],
        env={**os.environ, "USHER_WORKFLOWS": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert started.returncode == 1
    lines = [line for line in started.stderr.splitlines() if line.startswith(str(file))]
    assert [line.partition(": ")[0] for line in lines] == [f"{file}:4", f"{file}:5"]
    assert "Traceback" not in started.stderr + started.stdout
