"""Sends one control to an instance, or to all that fit, for `usher terminate` and its like."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from contracts import calls
from contracts.http import Accepted, Instance
from contracts.written import command_of
from usher.checking import check
from usher.client import Client
from usher.errors import BadInput, Refused
from usher.session import Session

SOURCE = "/usher/cli"
MOST = 10_000
"""How many instances one command controls."""


@dataclass(frozen=True)
class Fitting:
    """Which instances: with one of these statuses, and as a person has narrowed it down."""

    statuses: Sequence[str]
    workflow: str | None
    prefix: str | None

    def find(self, client: Client) -> Iterator[Instance]:
        """Yield the instances that fit; raises `BadInput` if they are too many."""
        found = 0
        for one in self._listed(client):
            if one.instance_id.startswith(self.prefix or ""):
                found += 1
                if found > MOST:
                    raise BadInput(f"More than {MOST:,} instances fit: narrow it down.")
                yield one

    def _listed(self, client: Client) -> Iterator[Instance]:
        for status in self.statuses:
            page = client.send(calls.instances(1000, status, self.workflow))
            yield from page.items
            while page.next is not None:
                page = client.send(calls.instances(1000, status, self.workflow, page.next))
                yield from page.items


@dataclass(frozen=True)
class Controlled:
    """What became of one instance of several; in a dry run, nothing."""

    instance: Instance
    refused: str | None = None

    def as_json(self) -> dict[str, Any]:
        one = self.instance
        return {
            "instance_id": one.instance_id,
            "workflow": one.workflow,
            "status": one.status,
            "message": self.refused,
        }


class Controller:
    """Publishes a control, with its reason."""

    def __init__(self, client: Client, control: str, reason: str | None) -> None:
        self._client = client
        self._control = control
        self._reason = reason

    def one(self, run: Session, instance_id: str, event_id: str | None, force: bool) -> Accepted:
        """Publish it for one instance. Raises `Refused` for one that would be dead-lettered."""
        event = self._event(instance_id, event_id)
        if not force:
            check(run, self._client, event)
        return self._client.send(calls.publish(event))

    def each(self, instances: Sequence[Instance]) -> Iterator[Controlled]:
        """Publish it for each of these instances; say of each whether it was accepted."""
        for one in instances:
            try:
                self._client.send(calls.publish(self._event(one.instance_id)))
            except Refused as error:
                yield Controlled(one, error.detail or error.title)
            else:
                yield Controlled(one)

    def _event(self, instance_id: str, event_id: str | None = None) -> bytes:
        command = {"instance_id": instance_id, "control": self._control, "reason": self._reason}
        return command_of(SOURCE, command, event_id)
