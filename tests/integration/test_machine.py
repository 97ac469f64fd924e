"""The whole embedded stack on a machine that has no network, and variables that name proxies."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.prepare import tell
from usher.stack.redis import find_or_install
from usher.stack.runtime import find_or_build

USHER = Path(sys.executable).with_name("usher")
PROXIES = {
    "ALL_PROXY": "socks5://127.0.0.1:9",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "http_proxy": "http://127.0.0.1:9",
    "https_proxy": "http://127.0.0.1:9",
    "grpc_proxy": "http://127.0.0.1:9",
}
SCRIPT = """
set -e
ip link set lo up
{usher} up --detach >up.out 2>up.err || {{ cat up.err >&2; exit 1; }}
trap '{usher} down >/dev/null 2>&1' EXIT
{usher} publish hello_workflow '"Ada"' --instance-id offline --json >/dev/null
for attempt in $(seq 300); do
  {usher} status offline --json >status.json && grep -q COMPLETED status.json && break
done
{usher} doctor --json >doctor.json
cat status.json
"""


def _may_unshare() -> bool:
    return (
        bool(shutil.which("unshare"))
        and not subprocess.run(
            ["unshare", "-n", "ip", "link", "set", "lo", "up"], capture_output=True, check=False
        ).returncode
    )


def test_with_loopback_alone_and_proxies_set_a_workflow_runs(tmp_path: Path) -> None:
    if not _may_unshare():
        pytest.skip("no network namespace: that needs root, `unshare` and `ip`")
    find_or_build(tell)  # what would be fetched comes before the network goes
    find_or_install(tell)
    unset = {"no_proxy", "NO_PROXY", "no_grpc_proxy", "DAPR_HOST_IP"}
    env = {k: v for k, v in os.environ.items() if k not in unset and not k.startswith("USHER_")}
    env |= PROXIES | {"USHER_DATA_DIR": str(tmp_path / "stack")}
    done = subprocess.run(
        ["unshare", "-n", "sh", "-c", SCRIPT.format(usher=USHER)],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["output"] == {"final_greeting": "Hello, Ada!"}
    assert json.loads((tmp_path / "doctor.json").read_text())["refusals"] == 0
    log = (tmp_path / "stack" / "logs" / "orchestrator.log").read_text()
    assert "Attempting to instrument" not in log
