"""The plan of a storm: the same for the same seed, and every blow finds enough in flight."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.cloudevent import CloudEvent
from contracts.events import Reason
from contracts.reading import read_command_from
from contracts.routes.matching import Matched, RouteTable
from contracts.topics import Topic
from orchestrator.authoring.catalogue import Catalogue
from orchestrator.intake.arrival import arrive_by_route
from tests.chaos.cast import POISON, ROUTED_EVENTS, ROUTED_RUNS
from tests.chaos.plan import (
    DUPLICATED,
    FIRST_BLOW,
    IN_FLIGHT,
    KEPT_OF,
    POISONED,
    TARGETS,
    WINDOW,
    Plan,
    last_blow,
    least_requests,
    plan,
)
from tests.chaos.session import WORKFLOWS

STORMS = st.builds(
    plan,
    st.integers(0, 10**9),
    st.integers(250, 700),
    replicas=st.integers(1, 2),
    away_seconds=st.sampled_from([0, 30]),
)
few = settings(max_examples=25, deadline=None)


@few
@given(st.integers(0, 10**9), st.integers(250, 400), st.sampled_from([0, 30]))
def test_a_seed_has_one_storm(seed: int, requests: int, away: int) -> None:
    assert plan(seed, requests, away_seconds=away) == plan(seed, requests, away_seconds=away)


def test_another_seed_has_another_storm() -> None:
    assert plan(1, 300).blows != plan(2, 300).blows
    assert plan(1, 300).publications != plan(2, 300).publications


@few
@given(STORMS)
def test_after_the_count_of_a_blow_there_is_enough_left_to_fill_the_flight(storm: Plan) -> None:
    """However late the look that sees the count: see `last_blow`."""
    for blow in storm.blows:
        announced_at_most = blow.count - 1 + WINDOW + storm.kept_for_absence
        assert storm.requests - announced_at_most >= WINDOW > IN_FLIGHT


@few
@given(STORMS)
def test_every_process_is_struck_in_every_round(storm: Plan) -> None:
    killed = Counter(blow.target for blow in storm.blows if not blow.away_seconds)
    assert set(killed) >= set(TARGETS)
    assert len(set(killed.values())) == 1
    if storm.replicas == 2:
        assert {"orchestrator-2", "orchestrator-2-daprd"} <= set(killed)


@few
@given(STORMS)
def test_a_storm_has_its_share_of_copies_and_of_poison(storm: Plan) -> None:
    assert len(storm.runs) == storm.requests
    distinct = len(storm.distinct)
    assert len(storm.publications) - distinct == round(distinct * DUPLICATED)
    poison = [mark for mark in storm.distinct if "-poison-" in mark]
    assert len(poison) == round((distinct - len(poison)) * POISONED)
    reasons = {p.reason for p in storm.distinct.values()}
    assert reasons >= {reason for reason, _, _ in POISON} | {None, Reason.INSTANCE_FINISHED}


@few
@given(STORMS)
def test_no_run_shares_its_instance_and_each_can_end(storm: Plan) -> None:
    assert len({run.instance_id for run in storm.runs}) == storm.requests
    for run in storm.runs:
        assert all(storm.distinct[mark].reason is None for mark in run.needs)


@few
@given(STORMS)
def test_what_is_to_be_served_is_a_command_of_its_topic(storm: Plan) -> None:
    own = [p for p in storm.distinct.values() if p.topic in [*Topic] and p.reason is None]
    for publication in own:
        read_command_from(Topic(publication.topic), CloudEvent.from_dict(publication.envelope))


@few
@given(STORMS)
def test_what_comes_by_a_route_reaches_the_run_that_it_is_for(storm: Plan) -> None:
    table = RouteTable(Catalogue.scan([WORKFLOWS]).routes)
    routed = [p for p in storm.distinct.values() if p.topic not in [*Topic]]
    assert {publication.topic for publication in routed} == {ROUTED_RUNS, ROUTED_EVENTS}
    runs = {run.instance_id for run in storm.runs}
    for publication in routed:
        event = CloudEvent.from_dict(publication.envelope)
        (found,) = table.match(publication.topic, event, None)
        assert isinstance(found, Matched)
        arrival = arrive_by_route(publication.topic, event, found)
        assert arrival.instance_id in runs
        assert publication.run is None or publication.run.instance_id == arrival.instance_id


def test_a_storm_too_small_for_its_blows_is_refused() -> None:
    with pytest.raises(ValueError, match="needs"):
        plan(7, 120)


@given(st.integers(0, 300), st.integers(1, 60))
def test_the_least_number_of_requests_leaves_room_for_the_blows(away: int, blows: int) -> None:
    requests = least_requests(away, blows)
    kept = requests // KEPT_OF if away else 0
    assert last_blow(requests, kept) >= FIRST_BLOW + blows
