"""What becomes of an event: a table of facts and of what follows from them."""

import json
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from dapr.ext.workflow import WorkflowState, WorkflowStatus
from hypothesis import given
from hypothesis import strategies as st

from contracts import identity
from contracts.cloudevent import CloudEvent
from contracts.commands import StartWorkflow
from contracts.events import Reason
from contracts.refusal import Refused
from contracts.topics import Topic
from orchestrator.engine.envelope import Cause, seal
from orchestrator.engine.state import NotNow, Unreadable
from orchestrator.intake.actions import (
    CancelHeld,
    Claim,
    Control,
    Decision,
    Deliver,
    Duplicate,
    Hold,
    Park,
    Refuse,
    Resume,
    Retry,
    Start,
    TakeOver,
)
from orchestrator.intake.arrival import Arrival, arrive
from orchestrator.intake.decision import decide
from orchestrator.intake.facts import Facts
from orchestrator.ledger.ledger import Ledger
from orchestrator.ledger.records import LEASE, Disposition, Ended, Entry, Holder

START: dict[str, Any] = {"workflow": "hello_workflow", "input": "Ada", "instance_id": "i-1"}
TICK: dict[str, Any] = {"instance_id": "i-1", "event": "tick"}
AT_ONCE = {**TICK, "ttl_seconds": 0}
END = {"instance_id": "i-1", "control": "terminate"}
SUSPEND = {"instance_id": "i-1", "control": "suspend"}
PURGE = {"instance_id": "i-1", "control": "purge"}
KEY = identity.event_key("/test", "e-1")
PAST, FUTURE = {"expiration": "2020-01-01T00:00:00Z"}, {"expiration": "2090-01-01T00:00:00Z"}
HOUR = WAIT = timedelta(hours=1)
SECOND = timedelta(seconds=1)
WHY = Refused(Reason.HANDLER_ERROR, "a bug")
RUNS = [WorkflowStatus.RUNNING, WorkflowStatus.PENDING, WorkflowStatus.SUSPENDED]
ENDED = [WorkflowStatus.COMPLETED, WorkflowStatus.FAILED, WorkflowStatus.TERMINATED]


def arrival(command: Any, event_id: str = "e-1", topic: str = "", **attributes: Any) -> Arrival:
    body = command if isinstance(command, bytes) else json.dumps(command).encode()
    topic = topic or (Topic.REQUESTS if b"workflow" in body else Topic.EVENTS)
    return arrive(topic, CloudEvent(event_id, "/test", "t", body, attributes=attributes))


def facts(command: Any, attributes: dict[str, Any] | None = None, **known: Any) -> Facts:
    return Facts(arrival(command, **attributes or {}), **{"parked_for": WAIT, **known})


def state(status: WorkflowStatus, started_by: str | None = None) -> WorkflowState:
    given = json.dumps(seal(Cause(key=started_by), None))
    return cast(
        WorkflowState, SimpleNamespace(runtime_status=status, serialized_input=given, name="w")
    )


def held(command: Any, disposition: str, **more: Any) -> Entry:
    return arrival(command).entry(Disposition(disposition), instance_id="i-1", **more)


def claimed(seconds_ago: float = 0, **more: Any) -> Entry:
    claim = held(START, "claimed", token="theirs", digest="d")
    return claim.model_copy(update={"at": claim.at - timedelta(seconds=seconds_ago), **more})


def ours(**known: Any) -> Facts:
    """The facts of a start whose claim this handler has."""
    new = facts(START, **known)
    claim = decide(replace(new, holder=None))
    assert isinstance(claim, Claim)
    return replace(new, entry=claim.entry)


def delayed(waits: float, **known: Any) -> Facts:
    """The facts of a start that is held for so many seconds from now, and comes again."""
    new = facts(START, **known)
    begun = {"event": {}, "asked": {"workflow": "hello_workflow"}, "token": "theirs"}
    due = new.arrival.at + timedelta(seconds=waits)
    return replace(new, entry=held(START, "parked", **begun, until=due))


def marked(known: Facts) -> Facts:
    """The same, once an event has cancelled the start."""
    assert known.entry
    return replace(known, entry=known.entry.model_copy(update={"cancelled_by": "c"}))


LATER = replace(arrival(START), start_at=Ledger.now() + HOUR)


def parked(command: Any, attributes: dict[str, Any] | None = None, **known: Any) -> Facts:
    entry = held(command, "parked", event={}, why="it is gone")
    return facts(command, attributes, entry=entry, handed_over=True, **known)


OURS = "usher_expire-x"


def settled() -> Facts:
    """The facts of a start whose claim another handler dead-lettered meanwhile."""
    known = ours()
    assert known.entry
    dead = {"disposition": Disposition.DEAD_LETTERED, "letters": 1}
    return replace(known, entry=known.entry.model_copy(update=dead))


OVER = LEASE.total_seconds() + 1
OTHER = held({**START, "input": "Eve"}, "started")
LETTER = held(TICK, "dead_lettered", letters=2)
SEEN = Ended(key="k", outcome="COMPLETED", seen=[KEY])
GONE = Ended(key="k", outcome="TERMINATED")
BROKEN = Unreadable("i-1", "a broken record")
SLOW, STALLED = NotNow("it is slow", stalled=False), NotNow("it is stalled", stalled=True)
RUNNING, DONE = state(WorkflowStatus.RUNNING), state(WorkflowStatus.COMPLETED)
STOPPED = state(WorkflowStatus.STALLED)
MINE, THEIRS = Holder(key=KEY, digest="d"), Holder(key="k", digest="other")


def twin() -> Holder:
    claim = decide(facts(START))
    assert isinstance(claim, Claim)
    return Holder(key="k", digest=claim.entry.digest)


TABLE: list[tuple[str, Facts, type[Decision], Any]] = [
    # what the ledger has decides first
    ("the entry is broken", facts(TICK, broken="a record"), Refuse, Reason.HANDLER_ERROR),
    ("another event has its id", facts(START, entry=OTHER), Refuse, Reason.IDENTITY_REUSED),
    ("it was served", facts(START, entry=held(START, "started")), Duplicate, None),
    ("it was dead-lettered", facts(TICK, entry=LETTER), Duplicate, None),
    ("an older redrive", facts(TICK, {"redrive": "1"}, entry=LETTER), Duplicate, None),
    ("a redrive", facts(TICK, {"redrive": "2"}, entry=LETTER), TakeOver, "claimed"),
    # then whether it can be served at all
    ("it is no command", facts(b"{"), Refuse, Reason.INVALID_JSON),
    ("the wrong topic", facts(TICK, {"topic": Topic.REQUESTS}), Refuse, Reason.INVALID_REQUEST),
    ("our own id", facts({**TICK, "instance_id": OURS}), Refuse, Reason.INVALID_INSTANCE_ID),
    ("it has no id", facts(TICK, {"event_id": ""}), Refuse, Reason.INVALID_EVENT),
    ("it expired", facts(TICK, PAST), Refuse, Reason.EXPIRED),
    ("its expiry is no time", facts(TICK, {"expiration": "soon"}), Refuse, Reason.INVALID_EVENT),
    ("it was begun in time", facts(TICK, PAST, entry=held(TICK, "claimed")), Park, timedelta(0)),
    ("the catalogue refuses it", facts(START, unfit=WHY), Refuse, Reason.HANDLER_ERROR),
    ("serving it failed", facts(TICK, failure=WHY), Refuse, Reason.HANDLER_ERROR),
    ("a start failed", replace(ours(), failure=WHY), Refuse, Reason.HANDLER_ERROR),
    ("a start failed, and was settled", replace(settled(), failure=WHY), Duplicate, None),
    # a refused start that another handler has begun
    ("refused, begun now", facts(START, unfit=WHY, entry=claimed()), Retry, "by another handler"),
    ("refused, begun before", facts(START, unfit=WHY, entry=claimed(OVER)), TakeOver, "claimed"),
    (
        "refused, but started",
        facts(START, unfit=WHY, entry=claimed(), state=state(WorkflowStatus.RUNNING, KEY)),
        Resume,
        "started",
    ),
    # a start
    ("a new start", facts(START), Claim, "claimed"),
    ("a claimed start", ours(), Start, None),
    ("its id is its own", ours(holder=MINE), Start, None),
    ("its id is another's", ours(holder=THEIRS), Refuse, Reason.INSTANCE_EXISTS),
    ("its id is that of an equal start", ours(holder=twin()), Resume, "duplicate"),
    ("it is active, whose is not known", ours(active=True), Retry, "being created"),
    (
        "it is active, without a turn",
        ours(active=True, state=state(WorkflowStatus.PENDING, KEY)),
        Retry,
        "being created",
    ),
    (
        "it is active, and its own",
        ours(active=True, state=state(WorkflowStatus.RUNNING, KEY)),
        Resume,
        "started",
    ),
    (
        "it is active, and another's",
        ours(active=True, state=state(WorkflowStatus.RUNNING, "k")),
        Refuse,
        Reason.INSTANCE_EXISTS,
    ),
    ("begun by another handler now", facts(START, entry=claimed()), Retry, "by another handler"),
    ("begun by another before", facts(START, entry=claimed(OVER)), TakeOver, "claimed"),
    (
        "begun, and started",
        facts(START, entry=claimed(), state=state(WorkflowStatus.FAILED, KEY)),
        Resume,
        "started",
    ),
    (
        "begun, ended and purged",
        facts(START, entry=claimed(), ended=Ended(key=KEY, outcome="COMPLETED")),
        Resume,
        "started",
    ),
    (
        "begun, the id is another run's",
        facts(START, entry=claimed(OVER), state=state(WorkflowStatus.RUNNING, "k")),
        TakeOver,
        "claimed",
    ),
    ("begun, unreadable now", facts(START, entry=claimed(), state=BROKEN), Retry, "broken record"),
    (
        "begun, unreadable for long",
        facts(START, entry=claimed(OVER), state=BROKEN),
        Refuse,
        Reason.HANDLER_ERROR,
    ),
    (
        "a redriven start",
        facts(START, {"redrive": "1"}, entry=held(START, "dead_lettered", letters=1)),
        TakeOver,
        "claimed",
    ),
    # an event
    ("it is stalled", facts(TICK, state=STOPPED), Park, WAIT),
    ("it is unreadable", facts(TICK, state=BROKEN), Park, WAIT),
    ("unreadable, ended", facts(TICK, state=BROKEN, ended=GONE), Refuse, Reason.INSTANCE_FINISHED),
    ("unreadable, and seen", facts(TICK, state=BROKEN, ended=SEEN), Resume, "delivered"),
    ("stalled, no wait", facts(AT_ONCE, state=STOPPED), Refuse, Reason.INSTANCE_STALLED),
    ("others wait", facts(TICK, state=RUNNING, queued=True), Park, WAIT),
    (
        "others wait, and it may not",
        facts(AT_ONCE, state=RUNNING, queued=True),
        Park,
        WAIT,
    ),
    ("it was seen", facts(TICK, ended=SEEN), Resume, "delivered"),
    ("it was seen, no purge", facts(TICK, state=DONE, ended=SEEN), Resume, "delivered"),
    ("it comes too late", facts(TICK, ended=GONE), Refuse, Reason.INSTANCE_FINISHED),
    ("it comes early", facts(TICK), Park, WAIT),
    ("early, for a second", facts({**TICK, "ttl_seconds": 1}), Park, SECOND),
    ("early, no wait", facts(AT_ONCE), Refuse, Reason.UNKNOWN_INSTANCE),
    ("it was not accepted", facts(TICK, state=RUNNING, not_now=SLOW), Park, WAIT),
    (
        "not accepted, no wait",
        facts(AT_ONCE, state=RUNNING, not_now=SLOW),
        Refuse,
        Reason.INSTANCE_STALLED,
    ),
    ("it may expire", facts(TICK, FUTURE, state=RUNNING), Claim, "claimed"),
    (
        "it may expire, and was begun",
        facts(TICK, FUTURE, state=RUNNING, entry=held(TICK, "claimed")),
        Deliver,
        None,
    ),
    ("early, it may expire", facts(TICK, FUTURE), Park, WAIT),
    # a start that is held
    ("a start for later", Facts(LATER, WAIT), Hold, LATER.start_at),
    ("it waits", delayed(60), Hold, None),
    ("it is due", delayed(-1, handed_over=True), TakeOver, "claimed"),
    (
        "it is due, too late",
        delayed(-1, handed_over=True, holder=THEIRS),
        Refuse,
        Reason.INSTANCE_EXISTS,
    ),
    ("it was cancelled", marked(delayed(60)), Refuse, Reason.CANCELLED_EARLY),
    ("it does not fit now", delayed(-1, unfit=WHY), Refuse, Reason.HANDLER_ERROR),
    # a control
    ("a control for held starts", facts(END, held=(delayed(60).entry,)), Claim, "claimed"),
    (
        "a control for held starts, begun",
        facts(END, held=(delayed(60).entry,), entry=held(END, "claimed")),
        CancelHeld,
        None,
    ),
    ("a control for nobody", facts(END), Refuse, Reason.UNKNOWN_INSTANCE),
    ("it ends a stalled run", facts(END, state=STOPPED), Control, None),
    ("it ends what ended", facts(END, state=DONE), Refuse, Reason.INSTANCE_FINISHED),
    ("it ends again", facts(END, state=state(WorkflowStatus.TERMINATED)), Control, None),
    ("it ends again after the purge", facts(END, ended=GONE), Control, None),
    ("it ends what is unreadable", facts(END, state=BROKEN), Control, None),
    ("a purge of a running one", facts(PURGE, state=RUNNING), Refuse, Reason.INVALID_REQUEST),
    ("a purge", facts(PURGE, state=DONE), Control, None),
    ("a purge that comes again", facts(PURGE, ended=GONE), Control, None),
    ("suspended, stalled", facts(SUSPEND, state=STOPPED), Refuse, Reason.INSTANCE_STALLED),
    ("suspended after the purge", facts(SUSPEND, ended=GONE), Refuse, Reason.INSTANCE_FINISHED),
    ("a control not accepted", facts(SUSPEND, state=RUNNING, not_now=SLOW), Park, WAIT),
    ("stalled", facts(END, state=RUNNING, not_now=STALLED), Refuse, Reason.INSTANCE_STALLED),
    (
        "a control not accepted, and none may wait",
        facts(END, not_now=SLOW, parked_for=timedelta(0)),
        Refuse,
        Reason.INSTANCE_STALLED,
    ),
    # a parked event that is tried again
    ("it came", parked(TICK, state=RUNNING, queued=True), Deliver, None),
    ("it is gone", parked(TICK), Park, WAIT),
    ("it was slow", parked(AT_ONCE, state=RUNNING, not_now=SLOW), Park, timedelta(0)),
    ("it stalled", parked(AT_ONCE, state=STOPPED), Park, timedelta(0)),
    ("the run saw it", parked(TICK, PAST, ended=SEEN), Resume, "delivered"),
    ("the run ended", parked(TICK, ended=GONE), Refuse, Reason.INSTANCE_FINISHED),
    ("it expired waiting", parked(TICK, PAST, state=RUNNING), Refuse, Reason.EXPIRED),
    ("its control", parked(END), Control, None),
    ("its control waits on", parked(END, not_now=STALLED), Park, timedelta(0)),
    ("its control expired", parked(END, PAST), Refuse, Reason.EXPIRED),
    ("it cannot be handed over", parked(TICK, failure=WHY), Refuse, Reason.HANDLER_ERROR),
    (
        "its record was changed",
        replace(parked(TICK), entry=held({**TICK, "data": 2}, "parked")),
        Refuse,
        Reason.HANDLER_ERROR,
    ),
]


@pytest.mark.parametrize(
    ("known", "decision", "what"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_what_becomes_of_an_event(known: Facts, decision: type[Decision], what: Any) -> None:
    found = decide(known)
    assert isinstance(found, decision), found
    match found:
        case Refuse():
            assert found.why.reason is what
        case Park():
            assert found.wait == what
        case Hold():
            assert what in (None, found.until)
        case Claim() | TakeOver():
            assert found.entry.disposition == what
        case Resume():
            assert found.disposition == what
        case Retry():
            assert what in found.why


@pytest.mark.parametrize("status", RUNS)
def test_an_event_goes_to_an_instance_that_runs(status: WorkflowStatus) -> None:
    found = decide(facts(TICK, state=state(status)))
    assert isinstance(found, Deliver)
    assert (found.command.event, found.entry.instance_id) == ("tick", "i-1")


@pytest.mark.parametrize("status", ENDED)
def test_an_event_for_an_instance_that_has_ended_is_refused(status: WorkflowStatus) -> None:
    found = decide(facts(TICK, state=state(status)))
    assert isinstance(found, Refuse)
    assert found.why.reason is Reason.INSTANCE_FINISHED
    assert status.name in found.why.message


@pytest.mark.parametrize("control", ["terminate", "suspend", "resume"])
def test_an_instance_is_steered_while_it_runs(control: str) -> None:
    command = {"instance_id": "i-1", "control": control, "reason": "enough"}
    found = decide(facts(command, state=RUNNING))
    assert isinstance(found, Control)
    assert (found.command.control, found.command.reason) == (control, "enough")
    refused = decide(facts(command, state=DONE))
    assert isinstance(refused, Refuse)
    assert refused.why.reason is Reason.INSTANCE_FINISHED


def test_a_claim_says_which_start_it_is_of() -> None:
    new = facts(START)
    claim = decide(new)
    assert isinstance(claim, Claim)
    entry = claim.entry
    assert (entry.key, entry.instance_id, entry.token) == (KEY, "i-1", new.arrival.token)
    assert (entry.command, entry.at) == (new.arrival.digest, new.arrival.at)


def test_an_instance_id_is_derived_from_the_event_where_none_is_given() -> None:
    command = StartWorkflow(workflow="hello_workflow")
    for event_id in ("e-1", "e-2"):
        found = decide(facts({"workflow": "hello_workflow"}, {"event_id": event_id}))
        assert isinstance(found, Claim)
        assert found.entry.instance_id == identity.instance_to_start(command, "/test", event_id)


def test_an_event_finds_by_key_what_was_started_by_key() -> None:
    command = {"workflow": "approval_workflow", "key": "7", "event": "approval"}
    arrived = arrival(command, topic=Topic.EVENTS)
    found = decide(Facts(arrived, parked_for=WAIT, state=RUNNING))
    assert isinstance(found, Deliver)
    assert found.entry.instance_id == "approval_workflow-7"


@pytest.mark.parametrize("own", [OURS, f"usher_expire-{24 * 'a'}-1"])
@pytest.mark.parametrize(
    "command", [{"workflow": "hello_workflow"}, {"event": "e"}, {"control": "terminate"}]
)
def test_ids_of_our_own_runs_are_refused(command: Any, own: str) -> None:
    found = decide(facts({**command, "instance_id": own}))
    assert isinstance(found, Refuse)
    assert (found.why.reason, found.why.field) == (Reason.INVALID_INSTANCE_ID, "instance_id")


def test_an_id_that_only_begins_like_ours_is_anybodys() -> None:
    found = decide(facts({**START, "instance_id": "usher_expired_orders-7"}))
    assert isinstance(found, Claim)
    assert found.entry.instance_id == "usher_expired_orders-7"
    assert not identity.is_own_run("usher_expired_orders-7")
    assert identity.is_own_run(identity.own_run_id(24 * "a", 12))


def test_the_first_entry_of_a_refused_event_names_no_instance() -> None:
    found = decide(facts(AT_ONCE))
    assert isinstance(found, Refuse)
    assert found.entry
    assert found.entry.instance_id is None


COMMANDS = [START, {"workflow": "hello_workflow"}, TICK, AT_ONCE, END, SUSPEND, PURGE, b"{"]
ARRIVALS = [
    arrival(command, **more)
    for command in COMMANDS
    for more in ({}, PAST, FUTURE, {"event_id": ""}, {"redrive": "1"}, {"topic": Topic.EVENTS})
]
ENTRIES = st.builds(
    lambda command, token, disposition: arrival(command).entry(
        disposition, instance_id="i-1", token=token, letters=1
    ),
    st.sampled_from([START, TICK, END]),
    st.sampled_from(["", "theirs"]),
    st.sampled_from(Disposition),
)
STATES = [state(status, key) for status in WorkflowStatus for key in (KEY, "k", None)]


@given(
    arrived=st.sampled_from(ARRIVALS),
    parked_for=st.sampled_from([timedelta(0), WAIT]),
    unfit=st.none() | st.just(WHY),
    failure=st.none() | st.just(WHY),
    entry=st.none() | ENTRIES | st.just("ours"),
    broken=st.none() | st.just("broken"),
    queued=st.booleans(),
    holder=st.none() | st.sampled_from([MINE, THEIRS]),
    active=st.booleans(),
    known=st.none() | st.sampled_from([*STATES, BROKEN]),
    ended=st.none() | st.sampled_from([SEEN, GONE]),
    not_now=st.none() | st.sampled_from([SLOW, STALLED]),
    handed_over=st.booleans(),
)
def test_there_is_a_decision_for_whatever_is_known(
    arrived: Arrival, entry: Any, known: WorkflowState | None, **more: Any
) -> None:
    if entry == "ours":
        entry = arrived.key and arrived.entry(Disposition.CLAIMED, token=arrived.token)
    found = decide(Facts(arrived, entry=entry or None, state=known, **more))
    assert isinstance(found, Decision)
