"""Writes a storm down: for people as Markdown, for programs as JSON."""

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.chaos.observed import Observed
from tests.chaos.plan import Plan
from tests.chaos.verdict import Verdict

SHOWN = 50
KINDS = {
    "lost": "lost",
    "doubled": "doubled",
    "wrong": "wrong",
    "redone": "attempted again within a run, under another execution",
}


def figures(plan: Plan, observed: Observed, verdict: Verdict) -> dict[str, Any]:
    """Return what a storm came to, as the JSON report has it."""
    executions = Counter((e.instance_id, e.step, e.execution_id) for e in observed.executions)
    again = sum(attempts - 1 for attempts in executions.values())
    runs_of: dict[str, set[str]] = {}
    for done in observed.executions:
        runs_of.setdefault(done.mark, set()).add(done.instance_id)
    outages = sorted(observed.outages, key=lambda outage: -outage.seconds)
    return {
        "seed": plan.seed,
        "requests": plan.requests,
        "replicas": plan.replicas,
        "passed": verdict.passed,
        "lost": verdict.lost,
        "doubled": verdict.doubled,
        "redone": verdict.redone,
        "wrong": verdict.wrong,
        "seconds": observed.seconds,
        "events": {
            "accepted": sum(observed.accepted.values()),
            "distinct": sum(count > 0 for count in observed.accepted.values()),
            "requests": sum(bool(observed.accepted[m]) for m, p in plan.distinct.items() if p.run),
            "copies": sum(count - 1 for count in plan.copies.values()),
            "due_a_dead_letter": sum(p.reason is not None for p in plan.distinct.values()),
            "sent_again_without_answer": observed.sent_again,
        },
        "dispositions": dict(sorted(Counter(observed.dispositions.values()).items())),
        "duplicates": observed.duplicates,
        "runs": {
            "due": len(plan.runs),
            "instances_per_event": dict(sorted(Counter(map(len, runs_of.values())).items())),
        },
        "activities": {
            "executions": len(executions),
            "attempts_beyond_the_first": again,
        },
        "notices": {
            "kept": len(observed.notices),
            "instances": len({notice["instance_id"] for notice in observed.notices}),
            "outcomes": dict(Counter(str(n["outcome"]) for n in observed.notices)),
        },
        "dead_letters": dict(Counter(str(letter["reason"]) for letter in observed.letters)),
        "streams": {
            topic: {"entries": entries, "distinct": distinct}
            for topic, (entries, distinct) in observed.streams.items()
        },
        "blows": [{**asdict(s.blow), **asdict(s), "blow": s.blow.target} for s in observed.struck],
        "longest_outage_s": outages[0].seconds if outages else 0,
        "outages": [asdict(outage) for outage in outages[:10]],
        "deadlocks": observed.deadlocks,
        "audit": observed.audit,
    }


def write(folder: Path, name: str, found: dict[str, Any]) -> Path:
    """Write `<name>.json` and `<name>.md`; return the latter."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(found, indent=2) + "\n")
    page = folder / f"{name}.md"
    page.write_text(text(found))
    return page


def text(found: dict[str, Any]) -> str:
    """Return the report for people."""
    events, notices = found["events"], found["notices"]
    rows = {
        "result": "passed" if found["passed"] else "FAILED",
        **{said: len(found[kind]) for kind, said in KINDS.items()},
        "events accepted": f"{events['accepted']}, {events['distinct']} distinct; "
        f"{events['copies']} copies on purpose, {events['due_a_dead_letter']} due a dead letter",
        "sent again, as no answer came": events["sent_again_without_answer"],
        "dispositions": _counted(found["dispositions"]),
        "repeats that the ledger counted": found["duplicates"],
        "runs due": found["runs"]["due"],
        "instances per event → events": _counted(found["runs"]["instances_per_event"]),
        "activity executions": found["activities"]["executions"],
        "attempts beyond the first": found["activities"]["attempts_beyond_the_first"],
        "notices": f"{notices['kept']} for {notices['instances']} instances: "
        f"{_counted(notices['outcomes'])}",
        "dead letters": _counted(found["dead_letters"]),
        "stream entries (distinct ids)": ", ".join(
            f"{topic} {count['entries']} ({count['distinct']})"
            for topic, count in found["streams"].items()
        ),
        "longest outage": f"{found['longest_outage_s']} s without a notice",
        "sidecars without their worker": "; ".join(found["deadlocks"]) or "none",
        "usher audit": json.dumps(found["audit"]) if found["audit"] else "not there",
        "took": f"{found['seconds']} s",
    }
    size = f"{found['requests']} requests, {found['replicas']} orchestrator(s)"
    lines = [
        f"# Storm {found['seed']}: {size}",
        "",
        "| | |",
        "| --- | --- |",
        *(f"| {name} | {value} |" for name, value in rows.items()),
        "",
        "## Blows",
        "",
        "| at | target | after | starts | notices | in flight |",
        "| --- | --- | --- | --- | --- | --- |",
        *(
            f"| {blow['at']} s | {blow['target']}"
            + (f", away for {blow['away_seconds']} s" if blow["away_seconds"] else "")
            + f" | {blow['on']} {blow['count']} | {blow['starts']} | {blow['notices']} "
            f"| {blow['in_flight']} |"
            for blow in found["blows"]
        ),
    ]
    for kind, said in KINDS.items():
        if found[kind]:
            lines += ["", f"## {said.capitalize()}", ""]
            lines += [f"- {finding}" for finding in found[kind][:SHOWN]]
            if len(found[kind]) > SHOWN:
                lines.append(f"- … and {len(found[kind]) - SHOWN} more, in the JSON")
    return "\n".join(lines) + "\n"


def _counted(counts: dict[Any, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "none"
