"""The trimmer names streams that its Redis does not have, and not before it is sure."""

from datetime import timedelta
from typing import Any, cast

from redis import Redis
from structlog.testing import capture_logs

from contracts.brokers import BrokerNames
from contracts.topics import Topic
from notifier.records.trimming import Trimmer


class NoBroker:
    """A Redis without streams."""

    def exists(self, _: str) -> int:
        return 0


def _warnings(sweeps: int) -> list[Any]:
    trimmer = Trimmer(cast(Redis, NoBroker()), timedelta(days=7), BrokerNames())
    with capture_logs() as logged:
        for _ in range(sweeps):
            assert trimmer.sweep() == {}
    return list(logged)


def test_streams_that_are_not_there_are_named_once() -> None:
    assert _warnings(1) == []
    (told,) = _warnings(4)
    assert told["event"] == "not trimmed"
    assert told["streams"] == sorted(Topic)
    assert "another one" in told["why"]
