"""External events as an author meets them, on the SDK's own executor: once, in order, none lost."""

import json
from collections.abc import Callable, Generator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from dapr.ext.workflow import DaprWorkflowContext, when_all, when_any
from dapr.ext.workflow._durabletask.internal import helpers
from dapr.ext.workflow._durabletask.internal import protos as pb

from contracts.authoring import WorkflowTag
from contracts.limits import SEEN_KEPT
from orchestrator.engine.envelope import RECEIVED_KEPT, Cause, Received, seal_event, unseal
from tests.support.ear import Ear
from tests.support.turns import Turns

Run = Generator[Any, Any, Any]
MINUTE = timedelta(minutes=1)


class Instance(Turns):
    """One instance: its events, its timers and its end."""

    def __init__(self, author: Callable[..., Run], cause: Cause | None = None) -> None:
        tag = WorkflowTag(announce=False)
        super().__init__(author, tag, Ear(), cause or Cause(event_id="start"))
        self.timers: dict[int, datetime] = {}
        self.ended: Any = None
        self.go_on()

    def tell(
        self, name: str, *told: tuple[str | None, Any], later: timedelta = MINUTE / 60
    ) -> None:
        """Raise events that came together, each with its key and its data."""
        self.now += later
        received = [seal_event(key, data) if key else data for key, data in told]
        raised = [helpers.new_event_raised_event(name, json.dumps(one)) for one in received]
        self.go_on(*raised)

    def fire(self) -> None:
        """Let the timer fire that is due first."""
        timer_id, fire_at = min(self.timers.items(), key=lambda timer: timer[1])
        del self.timers[timer_id]
        self.now = fire_at
        fired = pb.TimerFiredEvent(fireAt=helpers.new_timestamp(fire_at), timerId=timer_id)
        self.go_on(pb.HistoryEvent(eventId=-1, timerFired=fired))

    @property
    def output(self) -> Any:
        assert self.ended, "it waits"
        assert not self.ended.HasField("failureDetails"), self.ended.failureDetails.errorMessage
        return json.loads(self.ended.result.value)

    @property
    def error(self) -> str:
        return str(self.ended.failureDetails.errorMessage)

    def go_on(self, *told: Any) -> None:
        assert self.ended is None
        for action in self.turn(*told):
            if action.HasField("completeWorkflow"):
                self.ended = action.completeWorkflow
                continue
            assert action.HasField("createTimer")
            fire_at = action.createTimer.fireAt
            if fire_at != helpers.OPTIONAL_TIMER_FIRE_AT:  # type: ignore[attr-defined]
                self.timers[action.id] = fire_at.ToDatetime(UTC)


def two(ctx: DaprWorkflowContext) -> Run:
    first = yield ctx.wait_for_external_event("tick")
    second = yield ctx.wait_for_external_event("Tick", timeout=10 * MINUTE)
    return [first, second]


def test_the_author_gets_the_data_alone_and_a_repeat_once() -> None:
    run = Instance(two)
    run.tell("tick", ("a", {"n": 1}))
    run.tell("tick", ("a", {"n": 1}))
    run.tell("TICK", ("a", {"n": 1}), ("b", None))
    assert run.output == [{"n": 1}, None]


def test_events_that_came_early_are_kept_in_order_and_their_repeats_dropped() -> None:
    def busy(ctx: DaprWorkflowContext) -> Run:
        yield ctx.create_timer(MINUTE)
        return (yield from two(ctx))

    run = Instance(busy)
    run.tell("tick", ("a", 0), ("a", 0), ("b", False), ("b", False))
    run.fire()
    assert run.output == [0, False]


def test_events_raised_past_usher_are_handed_over_as_they_are_and_are_never_repeats() -> None:
    run = Instance(two)
    run.tell("tick", (None, {"n": 1}), (None, {"n": 1}))
    assert run.output == [{"n": 1}, {"n": 1}]


def test_a_dropped_repeat_does_not_put_off_the_deadline() -> None:
    run = Instance(two)
    began = run.now
    run.tell("tick", ("a", 1))
    for _ in range(3):
        run.tell("tick", ("a", 1), later=MINUTE)
    while not run.ended:
        run.fire()
    assert "Timed out" in run.error
    assert run.now == began + MINUTE / 60 + 10 * MINUTE


def test_a_deadline_that_has_passed_when_a_repeat_is_dropped_times_out_at_once() -> None:
    def waits(ctx: DaprWorkflowContext) -> Run:
        yield ctx.wait_for_external_event("tick")
        try:
            yield ctx.wait_for_external_event("tick", timeout=MINUTE)
        except TimeoutError:
            return "late"

    run = Instance(waits)
    run.tell("tick", ("a", 1))
    run.tell("tick", ("a", 1), later=2 * MINUTE)
    assert run.output == "late"


def test_a_repeat_inside_when_all_is_replaced_by_what_comes_next() -> None:
    def both(ctx: DaprWorkflowContext) -> Run:
        first = yield ctx.wait_for_external_event("a")
        waits = [ctx.wait_for_external_event("a"), ctx.wait_for_external_event("b")]
        rest = yield when_all(waits)
        return [first, *rest, [wait.get_result() for wait in waits]]

    run = Instance(both)
    run.tell("a", ("a1", 1), ("a1", 1))
    run.tell("b", ("b1", "b"))
    assert run.ended is None
    run.tell("a", ("a2", 2))
    assert run.output == [1, 2, "b", [2, "b"]]


def test_an_event_taken_by_a_when_all_that_fails_is_known_when_it_comes_again() -> None:
    def both(ctx: DaprWorkflowContext) -> Run:
        a = ctx.wait_for_external_event("a")
        try:
            yield when_all([a, ctx.wait_for_external_event("b", timeout=MINUTE)])
        except TimeoutError:
            return [a.get_result(), (yield ctx.wait_for_external_event("a"))]

    run = Instance(both)
    run.tell("a", ("a1", 1))
    run.fire()
    run.tell("a", ("a1", 1), ("a2", 2))
    assert run.output == [1, 2]


def test_a_when_any_answers_with_the_authors_own_task_and_its_data() -> None:
    def either(ctx: DaprWorkflowContext) -> Run:
        first = yield ctx.wait_for_external_event("go")
        go, timer = ctx.wait_for_external_event("go"), ctx.create_timer(MINUTE)
        winner = yield when_any([go, timer])
        return [first, winner is go, winner.get_result(), go.get_result()]

    run = Instance(either)
    run.tell("go", ("1", "one"), ("1", "one"))
    assert run.ended is None
    run.tell("go", ("1", "one"))
    run.tell("go", ("2", "two"))
    assert run.output == ["one", True, "two", "two"]


def test_a_wait_inside_when_any_that_times_out_wins_and_raises() -> None:
    def either(ctx: DaprWorkflowContext) -> Run:
        a = ctx.wait_for_external_event("a", timeout=MINUTE)
        winner = yield when_any([a, ctx.wait_for_external_event("b")])
        try:
            winner.get_result()
        except TimeoutError:
            return winner is a

    run = Instance(either)
    run.fire()
    assert run.output is True


def loses_then(wait: Callable[[DaprWorkflowContext, Any], Any]) -> Callable[..., Run]:
    """Return a workflow whose wait for `go` loses to a timer, and that then waits once more."""

    def run(ctx: DaprWorkflowContext) -> Run:
        go, timer = ctx.wait_for_external_event("go"), ctx.create_timer(MINUTE)
        lost = (yield when_any([go, timer])) is timer
        try:
            first = yield wait(ctx, go)
        except TimeoutError:
            first = "late"
        return [lost, first, (yield ctx.wait_for_external_event("go"))]

    return run


AGAIN: dict[str, Callable[[DaprWorkflowContext, Any], Any]] = {
    "a new wait": lambda ctx, _: ctx.wait_for_external_event("go"),
    "a new wait with a deadline": lambda ctx, _: ctx.wait_for_external_event("go", timeout=MINUTE),
    "the same task": lambda _, go: go,
}


@pytest.mark.parametrize("again", AGAIN.values(), ids=list(AGAIN))
def test_after_a_when_any_was_lost_no_event_is_lost(again: Any) -> None:
    run = Instance(loses_then(again))
    run.fire()
    run.tell("go", ("1", 1))
    run.tell("go", ("2", 2))
    assert run.output == [True, 1, 2]


def test_after_a_when_any_was_lost_a_wait_with_a_deadline_times_out() -> None:
    run = Instance(loses_then(AGAIN["a new wait with a deadline"]))
    run.fire()
    began = run.now
    run.fire()
    assert run.now == began + MINUTE
    run.tell("go", ("1", 1))
    assert run.output == [True, "late", 1]


@pytest.mark.parametrize("timeout", [None, 5 * MINUTE])
def test_an_event_that_came_after_its_when_any_was_lost_is_there_for_the_next_wait(
    timeout: timedelta | None,
) -> None:
    def run(ctx: DaprWorkflowContext) -> Run:
        yield when_any([ctx.wait_for_external_event("go"), ctx.create_timer(MINUTE)])
        yield ctx.create_timer(MINUTE)
        return (yield ctx.wait_for_external_event("go", timeout=timeout))

    waiting = Instance(run)
    waiting.fire()
    waiting.tell("go", ("1", 1))
    waiting.fire()
    assert waiting.output == 1


def test_a_wait_with_a_deadline_that_lost_a_when_any_swallows_nothing() -> None:
    def run(ctx: DaprWorkflowContext) -> Run:
        waits = [ctx.wait_for_external_event(name, timeout=5 * MINUTE) for name in ("yes", "no")]
        first = (yield when_any(waits)).get_result()
        return [first, (yield ctx.wait_for_external_event("no", timeout=5 * MINUTE))]

    waiting = Instance(run)
    waiting.tell("yes", ("1", "y"))
    waiting.tell("no", ("2", "n"))
    assert waiting.output == ["y", "n"]


def test_a_wait_that_lost_and_was_then_answered_is_not_answered_twice() -> None:
    def run(ctx: DaprWorkflowContext) -> Run:
        go = ctx.wait_for_external_event("go")
        yield when_any([go, ctx.create_timer(MINUTE)])
        first = yield go
        return [first, (yield ctx.wait_for_external_event("go"))]

    waiting = Instance(run)
    waiting.fire()
    waiting.tell("go", ("1", 1))
    assert waiting.ended is None
    waiting.tell("go", ("2", 2))
    assert waiting.output == [1, 2]


def test_one_task_waits_through_many_when_anys_and_drops_repeats_in_all() -> None:
    def run(ctx: DaprWorkflowContext) -> Run:
        first = yield ctx.wait_for_external_event("go")
        go = ctx.wait_for_external_event("go")
        rounds = 0
        while (yield when_any([go, ctx.create_timer(MINUTE)])) is not go:
            rounds += 1
        return [first, rounds, go.get_result()]

    waiting = Instance(run)
    waiting.tell("go", ("1", 1))
    waiting.tell("go", ("1", 1))
    waiting.fire()
    waiting.tell("go", ("1", 1))
    waiting.fire()
    waiting.tell("go", ("1", 1), ("2", 2))
    assert waiting.output == [1, 2, 2]


def test_events_deeper_inside_are_refused_with_what_to_write_instead() -> None:
    def nested(ctx: DaprWorkflowContext) -> Run:
        yield when_any([when_all([ctx.wait_for_external_event("a")]), ctx.create_timer(MINUTE)])

    assert "yield the inner one by itself" in Instance(nested).error


def counts(ctx: DaprWorkflowContext) -> Run:
    yield ctx.wait_for_external_event("tick")
    ctx.continue_as_new(None)


def test_events_seen_are_carried_over_continue_as_new_and_bounded() -> None:
    before = tuple(f"k-{n}" for n in range(SEEN_KEPT))
    run = Instance(counts, Cause(event_id="start", seen=before))
    run.tell("tick", (before[0], 1), ("new", 2), ("later", 3))
    assert run.ended.workflowStatus == pb.ORCHESTRATION_STATUS_CONTINUED_AS_NEW
    cause, _ = unseal(json.loads(run.ended.result.value))
    assert cause.seen == (*before[1:], "new")
    (carried,) = run.ended.carryoverEvents
    assert json.loads(carried.eventRaised.input.value) == seal_event("later", 3)


def continues(run: Instance) -> Cause:
    """Return what the next generation starts with."""
    assert run.ended.workflowStatus == pb.ORCHESTRATION_STATUS_CONTINUED_AS_NEW
    return unseal(json.loads(run.ended.result.value))[0]


def loses(ctx: DaprWorkflowContext) -> Run:
    """Wait for `stop` and lose, let a minute pass, and start over."""
    yield when_any([ctx.wait_for_external_event("stop"), ctx.create_timer(MINUTE)])
    yield ctx.create_timer(MINUTE)
    ctx.continue_as_new(None)


def takes(ctx: DaprWorkflowContext) -> Run:
    first = yield ctx.wait_for_external_event("STOP", timeout=10 * MINUTE)
    return [first, (yield ctx.wait_for_external_event("stop"))]


def after_it_lost(*told: tuple[str | None, Any]) -> Cause:
    run = Instance(loses)
    run.fire()
    run.tell("stop", *told)
    run.fire()
    return continues(run)


def test_an_event_that_a_lost_wait_received_is_carried_over_continue_as_new() -> None:
    cause = after_it_lost(("1", 1))
    assert cause.seen == ()
    run = Instance(takes, cause)
    run.tell("stop", ("1", 1), ("2", 2))
    assert run.output == [1, 2]


def test_it_comes_before_those_that_the_engine_carried_over() -> None:
    run = Instance(loses)
    run.fire()
    run.tell("stop", ("1", 1), ("2", 2))
    run.fire()
    (waiting,) = run.ended.carryoverEvents
    following = Instance(takes, continues(run))
    following.tell(waiting.eventRaised.name, ("2", 2))
    assert following.output == [1, 2]


def test_it_is_carried_on_until_it_is_asked_for() -> None:
    cause = after_it_lost(("1", 1))
    for _ in range(3):
        run = Instance(loses_other, cause)
        run.fire()
        cause = continues(run)
    run = Instance(takes, cause)
    run.tell("stop", ("2", 2))
    assert run.output == [1, 2]


def loses_other(ctx: DaprWorkflowContext) -> Run:
    yield when_any([ctx.wait_for_external_event("other"), ctx.create_timer(MINUTE)])
    ctx.continue_as_new(None)


def test_what_was_carried_over_wins_a_when_any_at_once_and_may_lose_one_too() -> None:
    def run(ctx: DaprWorkflowContext) -> Run:
        waits = [ctx.wait_for_external_event(name) for name in ("first", "stop")]
        winner = yield when_any(waits)
        rest = yield when_all([ctx.wait_for_external_event("stop"), ctx.create_timer(MINUTE)])
        return [winner is waits[0], winner.get_result(), rest[0]]

    received = [Received(name=name, event=seal_event(name, name)) for name in ("first", "stop")]
    waiting = Instance(run, Cause(event_id="start", received=tuple(received)))
    waiting.fire()
    assert waiting.output == [True, "first", "stop"]


def test_a_repeat_among_what_was_carried_over_is_dropped_for_the_next() -> None:
    received = [Received(name="stop", event=seal_event(key, key)) for key in ("a", "b")]
    cause = Cause(event_id="start", seen=("a",), received=tuple(received))
    run = Instance(takes, cause)
    run.tell("stop", ("b", "b"), ("c", "c"))
    assert run.output == ["b", "c"]


def test_an_event_that_comes_with_the_last_turn_is_not_taken_by_a_wait_that_lost() -> None:
    def run(ctx: DaprWorkflowContext) -> Run:
        stop, go = ctx.wait_for_external_event("stop"), ctx.wait_for_external_event("go")
        yield when_any([stop, go])
        ctx.continue_as_new(None)

    waiting = Instance(run)
    raised = [
        helpers.new_event_raised_event(name, json.dumps(seal_event(name, name)))
        for name in ("go", "stop")
    ]
    waiting.go_on(*raised)
    assert [event.eventRaised.name for event in waiting.ended.carryoverEvents] == ["stop"]


def test_nothing_is_carried_over_where_the_author_says_so() -> None:
    def run(ctx: DaprWorkflowContext) -> Run:
        yield when_any([ctx.wait_for_external_event("stop"), ctx.create_timer(MINUTE)])
        yield ctx.create_timer(MINUTE)
        ctx.continue_as_new(None, save_events=False)

    waiting = Instance(run)
    waiting.fire()
    waiting.tell("stop", ("1", 1))
    waiting.fire()
    assert continues(waiting).received == ()


def test_more_than_can_be_carried_over_fails_the_run_and_loses_nothing_silently() -> None:
    def run(ctx: DaprWorkflowContext) -> Run:
        for number in range(RECEIVED_KEPT + 1):
            ctx.wait_for_external_event(f"e-{number}")
        yield ctx.create_timer(MINUTE)
        ctx.continue_as_new(None)

    waiting = Instance(run)
    for number in range(RECEIVED_KEPT + 1):
        waiting.tell(f"e-{number}", (f"k-{number}", number))
    waiting.fire()
    assert "101 events were received and not asked for" in waiting.error
