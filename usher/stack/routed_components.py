"""Component files for the topics that routes name: the given ones, with more scopes and retries.

A sidecar subscribes and publishes only where a component's scopes say so, and an inbound retry that
names the component is what keeps an event that cannot be served now.
"""

from collections.abc import Iterable
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml

from contracts.routes.channels import subscriptions
from contracts.topics import PUBSUB, PUBSUB_ORDERED, PUBSUB_ROUTES, PUBSUB_ROUTES_ORDERED, Topic
from usher.doctor.resources import read
from usher.route_trial import find_routes
from usher.stack.errors import StackError
from usher.stack.settings import StackSettings

Document = dict[str, Any]
_MADE_FROM = {PUBSUB_ROUTES: PUBSUB, PUBSUB_ROUTES_ORDERED: PUBSUB_ORDERED}


def with_routed_components(settings: StackSettings) -> StackSettings:
    """Return settings whose component files are widened for the routes that are served.

    Without routes, they stay the same. What is wrong with routes the orchestrator says itself.
    """
    wanted = subscriptions(find_routes(None, settings.served).routes)
    if not wanted:
        return settings
    into = settings.data_dir / "components"
    write_routed(settings.components_dir, wanted, into)
    return settings.model_copy(update={"components_dir": into})


def write_routed(folder: Path, subscriptions: Iterable[tuple[str, str]], into: Path) -> None:
    """Write the components of `folder` to `into`, with what the subscriptions of routes need.

    `subscriptions` are pairs of component and topic. A component that is not Usher's own stays as
    it is, and gets an inbound retry.
    """
    wanted = sorted(set(subscriptions))
    documents: dict[str, list[Document]] = {}
    for resource in read(folder)[0]:
        name = Path(resource.file).name
        documents.setdefault(name, []).append(deepcopy(dict(resource.document)))
    everything = [one for several in documents.values() for one in several]
    components = {_name(one): one for one in everything if one.get("kind") == "Component"}
    for made, source in _MADE_FROM.items():
        topics = [topic for component, topic in wanted if component == made]
        if topics:
            documents[f"{made}.yaml"] = [_component(_given(components, source), made, topics)]
    ours = {topic for component, topic in wanted if component in _MADE_FROM} - {*Topic}
    _allow_starter(_given(components, PUBSUB), ours)
    for one in everything:
        if one.get("kind") == "Resiliency":
            targets = one["spec"]["targets"]["components"]
            for component, _ in wanted:
                retried = deepcopy(targets[PUBSUB]["inbound"])
                targets.setdefault(component, {}).setdefault("inbound", retried)
    into.mkdir(parents=True, exist_ok=True)
    for old in into.glob("*.yaml"):
        old.unlink()
    for name, several in documents.items():
        text = yaml.safe_dump_all(several, sort_keys=False)
        (into / name).write_text(f"# Written by Usher from the routes. Changes are lost.\n{text}")


def _component(source: Document, name: str, topics: list[str]) -> Document:
    """Return a component for these topics alone, at the same broker, with workers of its own."""
    made = deepcopy(source)
    made["metadata"]["name"] = name
    made["scopes"] = ["orchestrator"]
    _option(made, "publishingScopes")["value"] = f"orchestrator={Topic.DEAD_LETTERS}"
    _option(made, "subscriptionScopes")["value"] = f"orchestrator={','.join(topics)}"
    return made


def _given(components: dict[str, Document], name: str) -> Document:
    if name not in components:
        raise StackError(f"the component files have no component {name!r}, which routes need")
    return components[name]


def _name(resource: Document) -> str:
    return str((resource.get("metadata") or {}).get("name"))


def _allow_starter(component: Document, topics: set[str]) -> None:
    """Let the starter publish to these topics. Where no scope names it, it may already."""
    found = _option(component, "publishingScopes")
    scopes = dict(scope.partition("=")[::2] for scope in found["value"].split(";"))
    if "starter" in scopes:
        scopes["starter"] = ",".join([scopes["starter"], *sorted(topics)])
        found["value"] = ";".join(f"{app}={allowed}" for app, allowed in scopes.items())


def _option(component: Document, name: str) -> Document:
    metadata: list[Document] = component["spec"]["metadata"]
    for one in metadata:
        if one["name"] == name:
            return one
    metadata.append({"name": name, "value": ""})
    return metadata[-1]
