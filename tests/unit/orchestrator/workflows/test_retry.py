"""The retry workflow by hand: its policy, and how its attempts are counted."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from dapr.clients import DaprClient

from orchestrator.workflows.retry_workflow import (
    STATESTORE,
    Failures,
    count_attempt,
    flaky_activity,
    retry_workflow,
)
from tests.support.replay import activity_context, failed, play


class Store:
    """The state store, in memory, with as much of the client as is used."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.metadata: dict[str, str] = {}

    def get_state(self, store: str, key: str) -> Any:
        assert store == STATESTORE
        return SimpleNamespace(data=self.kept.get(key, b""))

    def save_state(self, store: str, key: str, value: str, state_metadata: dict[str, str]) -> None:
        assert store == STATESTORE
        self.kept[key] = value.encode()
        self.metadata = state_metadata


@pytest.fixture
def store() -> Store:
    return Store()


def count(store: Store, task_id: int, execution: str = "e1") -> int:
    return count_attempt(cast(DaprClient, store), activity_context(task_id, execution))


def test_a_result_is_returned_with_its_number_of_attempts() -> None:
    worked = {"result": "attempt 3 worked", "attempts": 3}
    played = play(retry_workflow, Failures(), {"flaky_activity": worked})
    assert played.output == {"flaky_result": "attempt 3 worked", "attempts": 3}
    (step,) = played.steps
    assert step.input == 2


def test_the_activity_is_tried_three_times_with_growing_pauses() -> None:
    (step,) = play(retry_workflow, Failures(), {"flaky_activity": failed("no")}).steps
    policy = step.options["retry_policy"]
    assert policy.first_retry_interval == timedelta(seconds=1)
    assert policy.max_number_of_attempts == 3
    assert policy.backoff_coefficient == 2
    assert policy.max_retry_interval == timedelta(seconds=10)
    assert policy.retry_timeout == timedelta(seconds=100)


def test_when_every_attempt_failed_the_workflow_fails() -> None:
    error = failed("attempt 3 failed")
    assert play(retry_workflow, Failures(), {"flaky_activity": error}).error is error


def test_each_attempt_of_a_call_counts_one_more(store: Store) -> None:
    assert [count(store, task_id) for task_id in (1, 3, 5)] == [1, 2, 3]


def test_an_attempt_that_runs_twice_counts_once(store: Store) -> None:
    assert [count(store, task_id) for task_id in (1, 1, 3, 3)] == [1, 1, 2, 2]


def test_calls_are_counted_apart_and_forgotten_after_an_hour(store: Store) -> None:
    assert [count(store, 1, execution) for execution in ("e1", "e2")] == [1, 1]
    assert store.metadata == {"ttlInSeconds": "3600"}


class Client(Store):
    """The store as the activity opens and closes it."""

    closed = False

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.closed = True


def test_the_activity_fails_as_often_as_told_and_closes_its_client(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = Client()
    monkeypatch.setattr("orchestrator.workflows.retry_workflow.DaprClient", lambda: client)
    with pytest.raises(RuntimeError, match="attempt 1 failed"):
        flaky_activity(activity_context(1, "e1"), 1)
    assert client.closed
    worked = flaky_activity(activity_context(3, "e1"), 1)
    assert worked == {"result": "attempt 2 worked", "attempts": 2}
