"""One storm from an empty stack to a report; what it leaves behind depends on how it went."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from contracts.services import SERVICES
from tests.chaos.blows import Report, Strike, kill_process
from tests.chaos.observed import Observed
from tests.chaos.plan import Plan
from tests.chaos.report import figures, write
from tests.chaos.storm import Storm
from tests.chaos.verdict import Verdict, judge
from usher.stack.secrets import FILE, REDIS_FILE
from usher.stack.settings import StackSettings, variable
from usher.stack.stack import Stack

WORKFLOWS = Path(__file__).parent / "workflows"
HISTORIES = 20
AUDIT_SECONDS = 120


def storm(
    plan: Plan,
    settings: StackSettings,
    folder: Path,
    report: Report,
    quiet_seconds: float = 20,
    make_stack: Callable[[StackSettings], Stack] = Stack,
    strike: Strike = kill_process,
) -> Verdict:
    """Run a storm on a stack of its own; write `folder/<name>.md` and `.json`.

    Where it fails, all that the stack kept and logged goes to `folder/<name>-evidence/`.
    """
    name = str(plan.seed) if plan.replicas == 1 else f"{plan.seed}-replicas-{plan.replicas}"
    evidence = folder / f"{name}-evidence"
    shutil.rmtree(evidence, ignore_errors=True)
    settings = settings.model_copy(update={"workflows": (WORKFLOWS,), "replicas": plan.replicas})
    stack = make_stack(settings)
    stack.down(report)
    shutil.rmtree(settings.data_dir, ignore_errors=True)
    try:
        stack.up(report, fresh=True)
        observed, histories, verdict = _weather(stack, plan, report, quiet_seconds, strike)
    finally:
        stack.down(lambda _: None)
    found = figures(plan, observed, verdict)
    page = write(folder, name, found)
    if not verdict.passed:
        left = shutil.ignore_patterns("lock", FILE, REDIS_FILE)
        shutil.copytree(settings.data_dir, evidence, ignore=left)
        (evidence / "histories.json").write_text(json.dumps(histories, indent=2))
        report(f"the ledger, the streams and the logs are kept in {evidence}")
    shutil.rmtree(settings.data_dir, ignore_errors=True)
    report(f"the report is {page}")
    return verdict


def _weather(
    stack: Stack, plan: Plan, report: Report, quiet_seconds: float, strike: Strike
) -> tuple[Observed, dict[str, object], Verdict]:
    run = Storm(stack, plan, report, quiet_seconds, strike)
    try:
        observed = run.run()
        observed.audit = audit(stack.settings)
        verdict = judge(plan, observed)
        named = {finding.split(":")[0] for finding in verdict.findings}
        at_fault = [one.instance_id for one in plan.runs if one.instance_id in named]
        return observed, run.histories(at_fault[:HISTORIES]), verdict
    finally:
        run.close()


def audit(settings: StackSettings) -> dict[str, Any]:
    """Return what `usher audit --json` says."""
    env = {variable(name): str(port) for name, port in settings.ports().items()}
    env |= {f"USHER_{name.upper()}_URL": settings.url(name) for name in SERVICES}
    env |= {variable("data_dir"): str(settings.data_dir)}  # Redis's password is there
    done = subprocess.run(
        [str(Path(sys.executable).with_name("usher")), "audit", "--json"],
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=AUDIT_SECONDS,
    )
    try:
        said: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        said = {"unaccounted": None, "error": done.stderr}
    return said
