"""HOP 3 of the plain wiring: prints a line for each completion, and keeps nothing."""

import json
import sys
from datetime import UTC, datetime

from dapr.ext.grpc import SubscriptionMessage, TopicEventResponse

from bench.plain.server import topic_server
from bench.plain.settings import Settings
from contracts.topics import Topic


def on_completion(message: SubscriptionMessage) -> TopicEventResponse:
    seen_at = datetime.now(UTC).isoformat()
    line = json.dumps({**json.loads(message.raw_data()), "seen_at": seen_at})
    sys.stdout.write(f"{line}\n")  # in one piece: `print` mixes the lines of threads
    sys.stdout.flush()
    return TopicEventResponse("success")


def main() -> None:
    settings = Settings()
    topic_server(Topic.COMPLETIONS, on_completion, settings.handler_threads).run(
        settings.topic_port, "127.0.0.1"
    )


if __name__ == "__main__":
    main()
