"""The verdict on a storm: passes when all is well, and names each loss and each doubling."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest

from contracts.events import Outcome, Reason
from tests.chaos.cast import Publication, Run
from tests.chaos.observed import Execution, Observed
from tests.chaos.plan import IN_FLIGHT, plan
from tests.chaos.verdict import Verdict, judge
from tests.support.calm import BEGUN, calm

PLAN = plan(1, 300, away_seconds=5)
Spoil = Callable[[Observed], None]


def run_that(ends: Outcome, ticks: int = 0) -> Run:
    return next(r for r in PLAN.runs if r.outcome is ends and len(r.needs) >= ticks)


def due(reason: Reason | None) -> Publication:
    return next(p for p in PLAN.distinct.values() if p.reason is reason and p.run is None)


RUN = run_that(Outcome.COMPLETED)
WAITING = run_that(Outcome.COMPLETED, ticks=2)
POISON = due(Reason.UNKNOWN_WORKFLOW)
RAW = next(p for p in PLAN.distinct.values() if p.door == "raw")
EVENT = due(None)


def without_step(seen: Observed) -> None:
    seen.executions = [e for e in seen.executions if (e.mark, e.step) != (RUN.mark, RUN.steps[-1])]


def without_run(seen: Observed) -> None:
    """As if the request had never been heard of: nobody knows it but who published it."""
    seen.executions = [e for e in seen.executions if e.mark != RUN.mark]
    seen.notices = [n for n in seen.notices if n["instance_id"] != RUN.instance_id]
    del seen.dispositions[RUN.mark]


def without_anything(seen: Observed) -> None:
    seen.executions, seen.notices, seen.letters, seen.dispositions = [], [], [], {}


def without_notice(seen: Observed) -> None:
    seen.notices = [n for n in seen.notices if n["instance_id"] != RUN.instance_id]


def without_event(seen: Observed) -> None:
    notice = next(n for n in seen.notices if n["instance_id"] == WAITING.instance_id)
    notice["output"] = notice["output"][1:]


def without_letter(publication: Publication) -> Spoil:
    def spoil(seen: Observed) -> None:
        at = next(
            n
            for n, letter in enumerate(seen.letters)
            if publication.mark in (letter["event"]["id"], letter["event"]["data"])
        )
        del seen.letters[at]

    return spoil


def without_entry(seen: Observed) -> None:
    del seen.dispositions[EVENT.mark]


def letter_for_what_is_well(seen: Observed) -> None:
    letter = {"reason": "undeliverable", "message": "", "attempts": 1}
    seen.letters.append({**letter, "event": {"id": RUN.mark, "data": {}}})


def unfinished(seen: Observed) -> None:
    seen.unfinished.append(RUN.instance_id)


def parked(seen: Observed) -> None:
    seen.parked.append(EVENT.mark)


def unread(seen: Observed) -> None:
    seen.unread = 1


def unaccounted(seen: Observed) -> None:
    seen.audit = {"unaccounted": 1}


@pytest.mark.parametrize(
    "spoil",
    [
        without_step,
        without_run,
        without_anything,
        without_notice,
        without_event,
        without_letter(POISON),
        without_letter(RAW),
        without_entry,
        letter_for_what_is_well,
        unfinished,
        parked,
        unread,
        unaccounted,
    ],
    ids=lambda spoil: spoil.__name__,
)
def test_what_is_lost_is_named(spoil: Spoil) -> None:
    assert spoiled(spoil).lost


def another_instance(seen: Observed) -> None:
    seen.executions.append(Execution(RUN.mark, "run-again", RUN.steps[0], "x", BEGUN + 3))


def another_execution(seen: Observed) -> None:
    seen.executions.append(Execution(RUN.mark, RUN.instance_id, RUN.steps[0], "x", BEGUN + 3))


def started_again(run: Run) -> Spoil:
    """As if the finished run had been started once more: the engine keeps the second only."""

    def spoil(seen: Observed) -> None:
        seen.created[run.instance_id] = BEGUN + 10
        seen.executions += [
            Execution(run.mark, run.instance_id, step, f"again/{step}", BEGUN + 11)
            for step in run.steps
        ]

    return spoil


def of_an_instance_that_is_gone(seen: Observed) -> None:
    del seen.created[RUN.instance_id]


def another_notice(seen: Observed) -> None:
    notice = next(n for n in seen.notices if n["instance_id"] == RUN.instance_id)
    seen.notices.append({**notice, "id": "another"})


def event_seen_twice(seen: Observed) -> None:
    notice = next(n for n in seen.notices if n["instance_id"] == WAITING.instance_id)
    notice["output"].append(notice["output"][0])


def letter_twice(seen: Observed) -> None:
    letter = next(one for one in seen.letters if one["event"]["id"] == POISON.mark)
    seen.letters.append(dict(letter))


def put_aside_twice(seen: Observed) -> None:
    next(one for one in seen.letters if one["event"]["id"] == POISON.mark)["attempts"] = 2


@pytest.mark.parametrize(
    "spoil",
    [
        another_instance,
        started_again(RUN),
        of_an_instance_that_is_gone,
        another_notice,
        event_seen_twice,
        letter_twice,
        put_aside_twice,
    ],
)
def test_what_is_doubled_is_named(spoil: Spoil) -> None:
    assert spoiled(spoil).doubled


def test_an_activity_attempted_again_within_its_run_is_told_apart() -> None:
    seen = calm(PLAN)
    another_execution(seen)
    verdict = judge(PLAN, seen)
    assert verdict.redone
    assert verdict.passed


def other_outcome(seen: Observed) -> None:
    seen.notices[0]["outcome"] = "STALLED"


def other_output(seen: Observed) -> None:
    next(n for n in seen.notices if n["instance_id"] == RUN.instance_id)["output"] = ["else"]


def other_reason(seen: Observed) -> None:
    next(one for one in seen.letters if one["event"]["id"] == POISON.mark)["reason"] = "expired"


def other_disposition(seen: Observed) -> None:
    seen.dispositions[EVENT.mark] = "duplicate"


def letter_of_nobody(seen: Observed) -> None:
    letter = {"reason": "undeliverable", "message": "", "attempts": 1}
    seen.letters.append({**letter, "event": {"id": None, "data": "what is this"}})


def notice_of_nobody(seen: Observed) -> None:
    seen.notices.append({**seen.notices[0], "id": "n", "instance_id": "nobody"})


def step_of_another_workflow(seen: Observed) -> None:
    seen.executions.append(Execution(RUN.mark, RUN.instance_id, "else", "x", BEGUN + 3))


def not_acknowledged(seen: Observed) -> None:
    seen.accepted[RUN.mark] = 0


def copy_not_acknowledged(seen: Observed) -> None:
    copied = next(mark for mark, times in PLAN.copies.items() if times > 1)
    seen.accepted[copied] -= 1


def nothing_published(seen: Observed) -> None:
    seen.accepted = Counter()


def blow_that_did_not_fall(seen: Observed) -> None:
    seen.struck.pop()


def too_little_in_flight(seen: Observed) -> None:
    seen.struck[0] = replace(seen.struck[0], in_flight=IN_FLIGHT - 1)


@pytest.mark.parametrize(
    "spoil",
    [
        other_outcome,
        other_output,
        other_reason,
        other_disposition,
        letter_of_nobody,
        notice_of_nobody,
        step_of_another_workflow,
        not_acknowledged,
        copy_not_acknowledged,
        nothing_published,
        blow_that_did_not_fall,
        too_little_in_flight,
    ],
)
def test_what_else_is_wrong_is_named(spoil: Spoil) -> None:
    assert spoiled(spoil).wrong


def test_a_storm_in_which_all_went_well_passes() -> None:
    assert judge(PLAN, calm(PLAN)) == Verdict()


def test_attempts_under_one_execution_are_no_doubling() -> None:
    seen = calm(PLAN)
    seen.executions += seen.executions
    assert judge(PLAN, seen).passed


def test_events_of_one_instance_may_overtake_each_other() -> None:
    seen = calm(PLAN)
    next(n for n in seen.notices if n["instance_id"] == WAITING.instance_id)["output"].reverse()
    assert judge(PLAN, seen).passed


def test_what_was_never_acknowledged_may_have_happened_or_not() -> None:
    """But a storm that could not publish all of its events proves nothing."""
    seen = calm(PLAN)
    seen.accepted[RUN.mark] = 0
    without_run(seen)
    verdict = judge(PLAN, seen)
    assert not verdict.lost
    assert not verdict.passed


def spoiled(spoil: Spoil) -> Verdict:
    seen = calm(PLAN)
    spoil(seen)
    verdict = judge(PLAN, seen)
    assert not verdict.passed
    return verdict
