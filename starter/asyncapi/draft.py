"""The document while it is written: servers, channels, operations and components."""

from typing import Any

from contracts.topics import PUBSUB
from starter.asyncapi.keys import Keys
from starter.asyncapi.messages import CLOUD_EVENT, ENVELOPE
from starter.asyncapi.schemas import Schema, Schemas, reference

Json = dict[str, Any]


class Draft:
    """Collects the parts of a document, and keeps their references right."""

    def __init__(self) -> None:
        self._keys = Keys()
        self._servers: Json = {}
        self._channels: Json = {}
        self._operations: Json = {}
        self._messages: Json = {}
        self.schemas = Schemas()
        self.envelope = self.schemas.add(ENVELOPE, CLOUD_EVENT)

    def channel(self, address: str, description: str) -> str:
        """Return the key of the channel of a topic, or component/topic; add it if it is new."""
        component, _, topic = address.rpartition("/")
        key = self._keys.key("channel", address).removeprefix("channel.")
        if key not in self._channels:
            server = self._server(component or PUBSUB)
            self._channels[key] = {
                **_address(topic),
                "title": address,
                "description": description,
                "servers": [{"$ref": f"#/servers/{server}"}],
                "messages": {},
            }
        return key

    def message(self, channel: str, identity: tuple[str, ...], message: Json) -> Json:
        """Add a message to a channel, and return the reference that operations use."""
        key = self._keys.key("message", *identity).removeprefix("message.")
        self._messages[key] = {
            "contentType": "application/cloudevents+json",
            "traits": [reference("messageTraits", "cloudEvent")],
            **message,
        }
        self._channels[channel]["messages"][key] = reference("messages", key)
        return {"$ref": f"#/channels/{channel}/messages/{key}"}

    def operation(self, name: str, action: str, channel: str, more: Json) -> None:
        """Add an operation: what Usher does with messages of a channel."""
        key = self._keys.key("operation", name).removeprefix("operation.")
        to = {"$ref": f"#/channels/{channel}"}
        self._operations[key] = {"action": action, "channel": to, "title": name, **more}

    def data(self, name: str, schema: Schema) -> Schema:
        """Add a schema, and return a reference to it."""
        return self.schemas.add(name, schema)

    def document(self, info: Json, extensions: Json) -> Json:
        """Return the document."""
        return {
            "asyncapi": "3.0.0",
            "info": info,
            "defaultContentType": "application/cloudevents+json",
            "servers": self._servers,
            "channels": self._channels,
            "operations": self._operations,
            "components": {
                "schemas": self.schemas.all(),
                "messages": self._messages,
                "messageTraits": {"cloudEvent": _TRAIT},
            },
            **extensions,
        }

    def _server(self, component: str) -> str:
        key = self._keys.key("server", component).removeprefix("server.")
        self._servers[key] = {
            "host": component,
            "protocol": "dapr",
            "title": f"Dapr pub/sub component {component}",
            "description": (
                "The broker behind a Dapr component. An application publishes to it and subscribes "
                "through its own sidecar, which knows the component by this name."
            ),
        }
        return key


_TRAIT = {
    "summary": "A CloudEvent 1.0.",
    "externalDocs": {
        "description": "The JSON format of CloudEvents",
        "url": "https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md",
    },
}


def _address(topic: str) -> Json:
    """Return the address of a channel. Text in braces would be a parameter, so it becomes one."""
    if not {"{", "}"} & set(topic):
        return {"address": topic}
    whole = {"enum": [topic], "default": topic, "description": "The name of the topic."}
    return {"address": "{topic}", "parameters": {"topic": whole}}
