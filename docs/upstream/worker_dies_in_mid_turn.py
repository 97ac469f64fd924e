"""Shows daprd 1.18.2 hanging for good after a workflow worker has died (docs/upstream.md).

Beside a sidecar of its own, without an app: `dapr run --app-id repro -- python THIS_FILE`.
"""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Generator
from typing import Any

from dapr.ext.workflow import DaprWorkflowClient, DaprWorkflowContext, WorkflowRuntime
from dapr.ext.workflow.logger import LoggerOptions

QUIET = LoggerOptions(log_level="ERROR")
INSTANCES, PATIENCE = 6, 30.0


def waits(ctx: DaprWorkflowContext) -> Generator[Any, Any, None]:
    yield ctx.wait_for_external_event("go")


def connected_workers() -> int:
    url = f"http://127.0.0.1:{os.environ['DAPR_HTTP_PORT']}/v1.0/metadata"
    with urllib.request.urlopen(url, timeout=5) as answer:
        return int(json.load(answer).get("workflows", {}).get("connectedWorkers", 0))


def work() -> None:
    """Be a workflow worker until killed."""
    runtime = WorkflowRuntime(logger_options=QUIET)
    runtime.register_workflow(waits, name="waits")
    runtime.start()
    say("the worker's stream is open, says the SDK")
    signal.pause()


def worker() -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, __file__, "work"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    say(process.stdout.readline().strip())
    return process


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    first = worker()
    say(f"connectedWorkers: {connected_workers()}")
    client = DaprWorkflowClient(logger_options=QUIET)
    ids = [uuid.uuid4().hex for _ in range(INSTANCES)]
    for instance_id in ids:
        client.schedule_new_workflow("waits", instance_id=instance_id)  # returns once it runs

    # The worker reads nothing more, so the first large turn fills its stream's flow-control
    # window, and the others wait to be dispatched. A turn that comes up as the worker dies waits
    # there just the same; this way it does every time.
    first.send_signal(signal.SIGSTOP)
    for instance_id in ids:
        client.raise_workflow_event(instance_id, "ballast", data="x" * 3_000_000)
    time.sleep(5)
    first.kill()
    first.wait()
    say(f"killed the worker with {INSTANCES} turns on their way")

    second = worker()
    began = time.monotonic()
    while not connected_workers() and time.monotonic() < began + PATIENCE:
        time.sleep(0.1)
    waited = time.monotonic() - began
    second.kill()
    if connected_workers():
        say(f"connectedWorkers: {connected_workers()} after {waited:.1f} s: all is well")
        return 0
    say(f"no connectedWorkers in the metadata for {waited:.0f} s: daprd hangs")
    return 1


if __name__ == "__main__":
    if sys.argv[1:] == ["work"]:
        work()
    sys.exit(main())
