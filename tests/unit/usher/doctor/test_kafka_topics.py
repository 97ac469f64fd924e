"""How long Kafka keeps events: as long as a service may be away, within the ledger's window."""

import pytest

from usher.doctor.kafka_topics import DAY_MS, HOUR_MS, Kept, read, topics
from usher.errors import Unreachable


@pytest.mark.parametrize(
    ("kept", "level", "said"),
    [
        (Kept(7 * DAY_MS, "delete"), None, ""),
        (Kept(29 * DAY_MS, "delete"), None, ""),
        (Kept(-1, "delete"), "warning", "kept for ever"),
        (Kept(30 * DAY_MS, "delete"), "warning", "30 days, and the ledger knows"),
        (Kept(6 * DAY_MS, "delete"), "warning", "6 days: then Kafka deletes events"),
        (Kept(36 * HOUR_MS, "delete"), "warning", "36 hours"),
        (Kept(7 * DAY_MS, "compact"), "refusal", "only the last is kept"),
        (Kept(7 * DAY_MS, "compact,delete"), "refusal", "only the last is kept"),
    ],
)
def test_a_topic_keeps_events_within_the_window_of_the_ledger(
    kept: Kept, level: str | None, said: str
) -> None:
    found = list(topics({"workflow-requests": kept}, 7, 30))
    assert [one.level for one in found] == ([level] if level else [])
    assert all(said in one.wrong and "workflow-requests" in one.where for one in found)


def test_a_kafka_that_is_away_is_named() -> None:
    with pytest.raises(Unreachable, match=r"Kafka at 127\.0\.0\.1:9 does not answer"):
        read("127.0.0.1:9")
