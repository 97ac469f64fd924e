"""Makes up what is seen of a storm in which nothing went wrong, for tests to spoil."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any

from tests.chaos.cast import Publication, Run
from tests.chaos.observed import Execution, Observed, Struck
from tests.chaos.plan import IN_FLIGHT, Plan

BEGUN = 1_800_000_000.0
"""When every run began: Unix time, s."""


def calm(plan: Plan) -> Observed:
    """Return what the plan of a storm leads to when each promise is kept."""
    twins = {p.mark for p in plan.distinct.values() if p.mark.endswith("-twin")}
    return Observed(
        accepted=Counter(plan.copies),
        executions=[
            Execution(run.mark, run.instance_id, step, f"{run.mark}/{step}", BEGUN + 1)
            for run in plan.runs
            for step in run.steps
        ],
        created={run.instance_id: BEGUN + 2 * run.generations for run in plan.runs},
        notices=[_notice(run) for run in plan.runs],
        letters=[_letter(one) for one in plan.distinct.values() if one.reason],
        dispositions={
            mark: "duplicate" if mark in twins else min(one.dispositions - {"duplicate"})
            for mark, one in plan.distinct.items()
            if one.dispositions
        },
        struck=[Struck(blow, blow.count, blow.count, IN_FLIGHT, 1.0) for blow in plan.blows],
    )


def _notice(run: Run) -> dict[str, Any]:
    output = None if run.output is None else list(run.output)
    return {
        "id": f"notice-{run.mark}",
        "instance_id": run.instance_id,
        "outcome": str(run.outcome),
        "output": output,
        "started_at": datetime.fromtimestamp(BEGUN, UTC).isoformat(),
    }


def _letter(publication: Publication) -> dict[str, Any]:
    identified = publication.door != "raw"
    event = {"id": publication.mark if identified else None, "data": publication.data}
    reason = str(publication.reason)
    return {"reason": reason, "message": "so it is", "attempts": 1, "event": event}
