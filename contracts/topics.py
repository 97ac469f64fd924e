"""The names of topics and Dapr components, in one place."""

from enum import StrEnum

PUBSUB = "pubsub"
"""Name of the Dapr pub/sub component that carries every topic."""

PUBSUB_ORDERED = "pubsub-ordered"
"""The same broker, subscribed to one message at a time, in the order of acceptance."""

PUBSUB_ROUTES = "pubsub-routes"
"""The same broker, for the topics whose routes only start workflows: many messages at once."""

PUBSUB_ROUTES_ORDERED = "pubsub-routes-ordered"
"""The same broker, for the topics whose routes address instances: one message at a time."""

STATE_STORE = "statestore"
"""Name of the Dapr state store component that holds the workflow engine's state."""

LEDGER_STORE = "ledger"
"""The same database for the ledger, without retries: an error may mean that another create won."""

CHANNEL = r"^([A-Za-z0-9._-]+/)?[A-Za-z0-9._:-]+$"
"""A topic that routes may name, or component/topic. `components/own-programs.yaml` lets it pass."""

OWN_KEYS = "usher:"
"""How the keys of Usher's own records begin. Topics are keys of the same Redis."""


class Topic(StrEnum):
    """The four topics, in the order an event passes them."""

    REQUESTS = "workflow-requests"
    """`StartWorkflow` commands: anyone → orchestrator."""

    EVENTS = "workflow-events"
    """`RaiseEvent` and `ControlInstance` commands: anyone → orchestrator."""

    COMPLETIONS = "workflow-completions"
    """`WorkflowCompleted`: orchestrator → notifier."""

    DEAD_LETTERS = "workflow-dead-letters"
    """`EventDeadLettered`, and entries that a sidecar could not deliver: → notifier."""


READ_BY = {
    Topic.REQUESTS: "orchestrator",
    Topic.EVENTS: "orchestrator",
    Topic.COMPLETIONS: "notifier",
    Topic.DEAD_LETTERS: "notifier",
}
"""Topic → the app that must read all of it. Its consumer group at the broker has that name."""
