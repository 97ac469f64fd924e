"""Looks for messages on the streams to the notifier: heard by it, or still on their way."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from contracts.letters import forwarded_id
from contracts.limits import MAX_LETTER_BYTES
from usher.audit.topic_reader import EntryId, Progress, TopicReader


@dataclass
class Message:
    """A message that was looked for and is on its stream, maybe several times."""

    first: EntryId
    best: EntryId
    attempts: int


def find(
    reader: TopicReader, topic: str, wanted: set[str], upto: Progress
) -> Mapping[str, Message]:
    """Return the messages of these ids that are on the stream; one pass, memory for what is found.

    Of a dead letter published several times, `best` is the one with the most attempts.
    """
    found: dict[str, Message] = {}
    for page in reader.pages(topic, upto) if wanted else ():
        for entry in page:
            message_id, attempts = _read(entry.data)
            for one in wanted.intersection((message_id, forwarded_id(entry.data))):
                message = found.setdefault(one, Message(entry.id, entry.id, attempts))
                if attempts > message.attempts:
                    message.best, message.attempts = entry.id, attempts
    return found


def kept_or_coming(message: Message, before: Progress, forgotten_before: float | None) -> bool:
    """Tell whether it is right that the notifier does not hold a message.

    `before` is how far the notifier had come before it was asked: what it had acknowledged, it
    must hold, unless it had to forget its oldest.
    """
    if not before.acknowledged(message.best):
        return True
    return forgotten_before is not None and message.first.ms / 1000 <= forgotten_before


def _read(data: bytes) -> tuple[str, int]:
    if len(data) > MAX_LETTER_BYTES:  # neither a letter nor a notice is so large
        return "", 1
    try:
        envelope = json.loads(data)
        held = envelope.get("data")
        attempts = held.get("attempts", 1) if isinstance(held, dict) else 1
        return str(envelope["id"]), int(attempts)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError):
        return "", 1
