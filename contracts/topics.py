"""The topics and the pub/sub component, named once; `outbox → contracts → inbox` meet here."""

from enum import StrEnum

PUBSUB = "pubsub"
"""Name of the Dapr pub/sub component that carries every topic."""

PUBSUB_ORDERED = "pubsub-ordered"
"""The same broker, subscribed one message at a time, in the order they were accepted."""

STATE_STORE = "statestore"
"""Name of the Dapr state store component that holds the workflow engine's state."""

LEDGER_STORE = "ledger"
"""The same database as the ledger sees it: without retries, since a create that another has won is
answered by an error."""


class Topic(StrEnum):
    """The four topics, in the order an event passes them."""

    REQUESTS = "workflow-requests"
    """`StartWorkflow` commands: anyone → orchestrator."""

    EVENTS = "workflow-events"
    """`RaiseEvent` and `ControlInstance` commands: anyone → orchestrator."""

    COMPLETIONS = "workflow-completions"
    """`WorkflowCompleted`: orchestrator → notifier."""

    DEAD_LETTERS = "workflow-dead-letters"
    """`EventDeadLettered`, and what a sidecar could not deliver: → notifier."""


READ_BY = {
    Topic.REQUESTS: "orchestrator",
    Topic.EVENTS: "orchestrator",
    Topic.COMPLETIONS: "notifier",
    Topic.DEAD_LETTERS: "notifier",
}
"""Topic → the app that must read all of it: its consumer group at the broker has that name."""
