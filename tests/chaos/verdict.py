"""Judges a storm: what was accepted, each exactly once; a pure function of plan and observations.

It starts from the publisher's own list of what the broker acknowledged. The ledger is one of the
witnesses, never the list: an event that the ledger has not heard of is lost.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.chaos.cast import Run
from tests.chaos.observed import Execution, Observed
from tests.chaos.plan import IN_FLIGHT, Plan


@dataclass
class Verdict:
    """Each finding is a sentence that names the event or instance."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    redone: list[str] = field(default_factory=list)
    """No finding: an activity attempted again within its run, under another execution. Activities
    are at least once, and the engine hands them out before it saves the turn that asks for them.
    What a run did before it was created, another run did: that is doubled. See docs/chaos.md."""
    wrong: list[str] = field(default_factory=list)
    """Neither: an outcome that is not the right one, news that nobody expects, a storm that was
    not carried out as planned."""

    @property
    def passed(self) -> bool:
        return not self.findings

    @property
    def findings(self) -> list[str]:
        return self.lost + self.doubled + self.wrong

    def in_short(self) -> str:
        """Return the number of each kind of finding, in one line."""
        return (
            f"{len(self.lost)} lost, {len(self.doubled)} doubled, {len(self.wrong)} otherwise "
            f"wrong; {len(self.redone)} activities attempted again by the engine"
        )


@dataclass
class Seen:
    """What was seen of one instance."""

    steps: dict[str, list[Execution]] = field(default_factory=lambda: defaultdict(list))
    """Step → what did it."""
    notices: list[dict[str, Any]] = field(default_factory=list)
    created: float | None = None
    unfinished: bool = False


def judge(plan: Plan, observed: Observed) -> Verdict:
    """Compare what was accepted with what came of it."""
    verdict = Verdict()
    _judge_storm(plan, observed, verdict)
    _judge_runs(plan, observed, verdict)
    _judge_letters(plan, observed, verdict)
    _judge_ledger(plan, observed, verdict)
    return verdict


def _judge_storm(plan: Plan, observed: Observed, verdict: Verdict) -> None:
    """A storm that was not carried out proves nothing."""
    for mark, times in plan.copies.items():
        if (accepted := observed.accepted[mark]) < times:
            verdict.wrong.append(f"{mark}: acknowledged {accepted} of {times} times")
    fell = Counter(struck.blow for struck in observed.struck)
    for blow in (Counter(plan.blows) - fell).elements():
        verdict.wrong.append(f"this blow never fell: {blow}")
    for struck in observed.struck:
        if struck.in_flight < IN_FLIGHT:
            verdict.wrong.append(f"{struck.in_flight} in flight, not {IN_FLIGHT}: {struck.blow}")
    if observed.unread:
        verdict.lost.append(f"{observed.unread} entries of the topics are not acknowledged")
    if observed.audit is not None and observed.audit.get("unaccounted") != 0:
        verdict.lost.append(f"usher audit: {observed.audit}")


def _judge_runs(plan: Plan, observed: Observed, verdict: Verdict) -> None:
    """Each run once, each of its steps under one execution, and one notice of the right end."""
    seen: dict[str, Seen] = defaultdict(Seen)
    instances: dict[str, set[str]] = defaultdict(set)
    for done in observed.executions:
        seen[done.instance_id].steps[done.step].append(done)
        instances[done.mark].add(done.instance_id)
    for notice in observed.notices:
        seen[notice["instance_id"]].notices.append(notice)
    for name in observed.unfinished:
        seen[name].unfinished = True
    for name, what in seen.items():
        what.created = observed.created.get(name)

    accepted = {p.run for p in plan.distinct.values() if p.run and observed.accepted[p.mark]}
    for run in plan.runs:
        what = seen.pop(run.instance_id, Seen())
        _judge_once(run, what, verdict)
        for other in sorted(instances[run.mark] - {run.instance_id}):
            verdict.doubled.append(f"{run.mark}: also ran as {other}")
        if run in accepted and all(observed.accepted[mark] for mark in run.needs):
            _judge_whole(run, what, verdict)
    for unknown in seen:
        verdict.wrong.append(f"{unknown}: an instance that nobody asked for")


def _judge_once(run: Run, seen: Seen, verdict: Verdict) -> None:
    """Nothing twice, and nothing that is not the run's."""
    name = run.instance_id
    begun = _begun(run, seen)
    for step, done in seen.steps.items():
        executions = {one.execution_id for one in done}
        if step not in run.steps:
            verdict.wrong.append(f"{name}: did {step!r}")
        elif any(begun is None or one.at < begun for one in done):
            verdict.doubled.append(f"{name}: {step!r} was done before the run that is kept began")
        elif len(executions) > 1:
            verdict.redone.append(f"{name}: {step!r} was done under {len(executions)} executions")
    if len(seen.notices) > 1:
        verdict.doubled.append(f"{name}: {len(seen.notices)} notices")
    for notice in seen.notices:
        _judge_notice(run, notice, verdict)


def _begun(run: Run, seen: Seen) -> float | None:
    """Return when this run began, before it had done anything: Unix time, s.

    The engine creates an instance, and writes when, before its first turn; one that is started
    again is created again. Only `continue_as_new` is a creation too: the notice goes back further.
    """
    if not run.generations or not seen.notices:
        return seen.created
    return datetime.fromisoformat(seen.notices[0]["started_at"]).timestamp()


def _judge_whole(run: Run, seen: Seen, verdict: Verdict) -> None:
    """Nothing missing."""
    name = run.instance_id
    missing = [step for step in run.steps if step not in seen.steps]
    verdict.lost += [f"{name}: {step!r} was never done" for step in missing]
    if not seen.notices:
        verdict.lost.append(f"{name}: no notice")
    if seen.unfinished:
        verdict.lost.append(f"{name}: has not ended")


def _judge_notice(run: Run, notice: dict[str, Any], verdict: Verdict) -> None:
    if notice["outcome"] != run.outcome:
        verdict.wrong.append(f"{run.instance_id}: {notice['outcome']}, not {run.outcome}")
    elif run.output is not None:
        got, due = Counter(notice["output"]), Counter(run.output)
        for item in (got - due).elements():
            again = verdict.doubled if item in due else verdict.wrong
            again.append(f"{run.instance_id}: its output has {item!r} too often")
        for item in (due - got).elements():
            verdict.lost.append(f"{run.instance_id}: its output lacks {item!r}")


def _judge_letters(plan: Plan, observed: Observed, verdict: Verdict) -> None:
    """One dead letter for each event that is due one, with its reason; none for any other."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for letter in observed.letters:
        found[_mark(letter, plan)].append(letter)
    for publication in plan.distinct.values():
        letters = found.pop(publication.mark, [])
        if publication.reason is None:
            verdict.lost += [
                f"{publication.mark}: dead-lettered, {letter['reason']}: {letter['message']}"
                for letter in letters
            ]
            continue
        if not letters and observed.accepted[publication.mark]:
            verdict.lost.append(f"{publication.mark}: no dead letter, {publication.reason}")
        if sum(letter["attempts"] for letter in letters) > 1:
            verdict.doubled.append(f"{publication.mark}: put aside more than once")
        verdict.wrong += [
            f"{publication.mark}: dead-lettered {letter['reason']}, not {publication.reason}"
            for letter in letters
            if letter["reason"] != publication.reason
        ]
    for unknown in found.values():
        text = json.dumps(unknown[0])[:300]
        verdict.wrong.append(f"a dead letter that nothing published is due: {text}")


def _mark(letter: dict[str, Any], plan: Plan) -> str:
    """Return what a dead letter is about; what was no CloudEvent has its mark in its data."""
    event = letter["event"]
    return str(event["id"] if event.get("id") in plan.distinct else event.get("data"))


def _judge_ledger(plan: Plan, observed: Observed, verdict: Verdict) -> None:
    for mark in _accounted(plan, observed):
        publication, said = plan.distinct[mark], observed.dispositions.get(mark)
        if said is None:
            verdict.lost.append(f"{mark}: the ledger has not heard of it")
        elif said not in publication.dispositions:
            due = " or ".join(sorted(publication.dispositions))
            verdict.wrong.append(f"{mark}: the ledger says {said}, not {due}")
    verdict.lost += [f"{mark}: still waits for its instance" for mark in observed.parked]


def _accounted(plan: Plan, observed: Observed) -> Iterator[str]:
    """Yield what was accepted and has an identity, so that the ledger must know it."""
    for mark, publication in plan.distinct.items():
        if observed.accepted[mark] and publication.dispositions:
            yield mark
