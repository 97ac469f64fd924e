"""What the services count, as Prometheus reads it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from contracts.events import OriginalEvent, Outcome, Reason
from contracts.records import DeadLetter, Notice
from notifier.metrics import Metrics as NotifierMetrics
from orchestrator.metrics import Metrics

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def samples(text: bytes) -> dict[str, float]:
    families = text_string_to_metric_families(text.decode())
    return {
        ",".join([sample.name, *map(str, sample.labels.values())]): sample.value
        for family in families
        for sample in family.samples
    }


def test_an_events_age_counts_from_its_time() -> None:
    metrics = Metrics()
    metrics.served("workflow-requests", (datetime.now(UTC) - timedelta(seconds=20)).isoformat())
    found = samples(metrics.text())
    assert found["usher_event_age_seconds_count,workflow-requests"] == 1
    assert 20 <= found["usher_event_age_seconds_sum,workflow-requests"] < 60


@pytest.mark.parametrize("time", [None, 7, "noon", "2030-01-01T00:00:00"])
def test_an_event_without_a_time_that_says_something_has_no_age(time: Any) -> None:
    metrics = Metrics()
    metrics.served("workflow-requests", time)
    assert "usher_event_age_seconds_count,workflow-requests" not in samples(metrics.text())


def test_parked_events_are_counted_and_the_oldest_has_an_age() -> None:
    metrics = Metrics()
    metrics.parked([datetime.now(UTC), datetime.now(UTC) - timedelta(seconds=90)])
    found = samples(metrics.text())
    assert found["usher_parked_events"] == 2
    assert found["usher_parked_oldest_age_seconds"] >= 90
    metrics.parked([])
    assert samples(metrics.text())["usher_parked_oldest_age_seconds"] == 0


def test_notices_and_dead_letters_are_counted() -> None:
    metrics = NotifierMetrics()
    metrics.notice(
        Notice(
            instance_id="i-1",
            workflow="w",
            outcome=Outcome.COMPLETED,
            output=None,
            error=None,
            custom_status=None,
            started_at=NOW,
            finished_at=NOW + timedelta(seconds=1),
            duration_s=1,
            id="n-1",
            seen_at=NOW + timedelta(seconds=3),
        )
    )
    event = OriginalEvent(id="e", source="/s", type="t")
    metrics.dead_letter(
        DeadLetter(
            id="l-1",
            reason=Reason.EXPIRED,
            field=None,
            message="",
            topic="t",
            attempts=1,
            first_seen=NOW,
            last_seen=NOW,
            event=event,
        )
    )
    found = samples(metrics.text())
    assert found["usher_notices_total,COMPLETED,w"] == 1
    assert found["usher_notice_delay_seconds_sum"] == 2
    assert found["usher_notice_age_seconds_sum"] == 3
    assert found["usher_dead_letters_kept_total,expired"] == 1
