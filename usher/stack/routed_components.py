"""Component files widened for routes: the starter may publish to their topics, and each component
that a route names has an inbound retry, which keeps an event that cannot be served now.
"""

from collections.abc import Iterable
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml

from contracts.routes.channels import OWN_COMPONENTS, subscriptions
from contracts.topics import PUBSUB, Topic
from usher.doctor.resources import read
from usher.route_trial import find_routes
from usher.stack.settings import StackSettings

Document = dict[str, Any]


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


def write_routed(folder: Path, wanted: Iterable[tuple[str, str]], into: Path) -> None:
    """Write the resources of `folder` to `into`, widened for pairs of component and topic."""
    wanted = sorted(set(wanted))
    files: dict[str, list[Document]] = {}
    for resource in read(folder)[0]:
        name = Path(resource.file).name
        files.setdefault(name, []).append(deepcopy(dict(resource.document)))
    topics = {topic for component, topic in wanted if component in OWN_COMPONENTS} - {*Topic}
    for document in (one for several in files.values() for one in several):
        called = (document.get("metadata") or {}).get("name")
        if (document.get("kind"), called) == ("Component", PUBSUB):
            _allow_starter(document, sorted(topics))
        elif document.get("kind") == "Resiliency":
            _retry(document, [component for component, _ in wanted])
    into.mkdir(parents=True, exist_ok=True)
    for old in into.glob("*.y*ml"):
        old.unlink()
    for name, several in files.items():
        text = yaml.safe_dump_all(several, sort_keys=False)
        (into / name).write_text(f"# Written by `usher up` for routes: edits are lost.\n{text}")


def _allow_starter(component: Document, topics: list[str]) -> None:
    """Let the starter publish to these topics. Where no scope names it, it may already."""
    for option in component["spec"].get("metadata") or []:
        if option["name"] == "publishingScopes":
            scopes = dict(one.partition("=")[::2] for one in option["value"].split(";"))
            if "starter" in scopes:
                scopes["starter"] = ",".join([scopes["starter"], *topics])
            option["value"] = ";".join(f"{app}={allowed}" for app, allowed in scopes.items())


def _retry(resiliency: Document, components: list[str]) -> None:
    """Give these components the inbound retry of the broker, if they have none."""
    targets = resiliency["spec"].get("targets", {}).get("components", {})
    if retried := targets.get(PUBSUB, {}).get("inbound"):
        for component in components:
            targets.setdefault(component, {}).setdefault("inbound", dict(retried))
