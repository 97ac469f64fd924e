"""Checks of Kafka's topics as they are: how long they keep events, and which."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from contracts.finding import Finding, refusal, warning
from contracts.topics import Topic
from usher.errors import CommandError, Unreachable

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
_SECONDS = 5


@dataclass(frozen=True)
class Kept:
    """What a topic keeps."""

    retention_ms: int
    """How long; -1 for ever."""
    cleanup: str
    """`delete`, `compact`, or both."""


def topics(found: Mapping[str, Kept], stream_days: float, ledger_days: float) -> Iterator[Finding]:
    """Check how long each topic keeps events."""
    for topic, kept in found.items():
        where = f"the topic {topic}: retention.ms"
        if "compact" in kept.cleanup:
            wrong = f"{kept.cleanup}: of the events of an instance, only the last is kept"
            yield refusal(f"the topic {topic}: cleanup.policy", wrong, "delete", "P2")
        right = f"more than {stream_days:g} days, and less than {ledger_days:g}"
        if kept.retention_ms < 0:
            wrong = f"events are kept for ever, and the ledger knows them {ledger_days:g} days"
            yield warning(where, wrong, right, "P1")
        elif kept.retention_ms >= ledger_days * DAY_MS:
            wrong = f"{_words(kept)}, and the ledger knows an event {ledger_days:g} days"
            yield warning(where, wrong, right, "P1")
        elif kept.retention_ms < stream_days * DAY_MS:
            wrong = f"{_words(kept)}: then Kafka deletes events, read or not"
            yield warning(where, wrong, right, "P2")


def read(brokers: str) -> dict[str, Kept]:
    """Return what each of Usher's topics keeps, but those that there are not yet.

    Raises CommandError without the package `confluent-kafka`, and Unreachable.
    """
    try:
        from confluent_kafka import KafkaException
        from confluent_kafka.admin import (  # type: ignore[attr-defined]
            AdminClient,
            ConfigResource,
            ResourceType,
        )
    except ModuleNotFoundError as missing:
        raise CommandError(
            "Kafka's topics were not read: `pip install 'usher-dapr[kafka]'`."
        ) from missing
    options: dict[str, str | int | float | bool] = {"bootstrap.servers": brokers, "log_level": 0}
    try:
        client = AdminClient(options)
        there = set(client.list_topics(timeout=_SECONDS).topics)
        asked = [ConfigResource(ResourceType.TOPIC, one) for one in map(str, Topic) if one in there]
        answers = client.describe_configs(asked, request_timeout=_SECONDS) if asked else {}
        configs = {one.name: answer.result(_SECONDS) for one, answer in answers.items()}
    except KafkaException as error:
        raise Unreachable(f"Kafka at {brokers} does not answer.", str(error.args[0])) from error
    return {
        topic: Kept(int(config["retention.ms"].value), config["cleanup.policy"].value)
        for topic, config in configs.items()
    }


def _words(kept: Kept) -> str:
    days = kept.retention_ms / DAY_MS
    return f"{days:g} days" if days >= 2 else f"{kept.retention_ms / HOUR_MS:g} hours"
