"""The component files for routed topics: a scope and retries more, and all else as it was."""

from pathlib import Path
from typing import Any

import yaml

from contracts.topics import PUBSUB, PUBSUB_ROUTES, PUBSUB_ROUTES_ORDERED, Topic
from tests.repo.files import ROOT
from usher.stack.routed_components import write_routed

GIVEN = ROOT / "components"
WANTED = [
    (PUBSUB_ROUTES, "orders"),
    (PUBSUB_ROUTES_ORDERED, "payments"),
    (PUBSUB_ROUTES, "workflow-completions"),
    ("kafka", "crm"),
]


def documents(folder: Path) -> dict[tuple[str, str], Any]:
    every = [d for f in folder.glob("*.yaml") for d in yaml.safe_load_all(f.read_text())]
    return {(d["kind"], (d.get("metadata") or {}).get("name", "")): d for d in every}


def option(component: Any, name: str) -> str:
    (value,) = [o["value"] for o in component["spec"]["metadata"] if o["name"] == name]
    return str(value)


def written(tmp_path: Path, given: Path = GIVEN) -> dict[tuple[str, str], Any]:
    write_routed(given, WANTED, tmp_path / "made")
    return documents(tmp_path / "made")


def test_starter_may_publish_to_them_but_to_no_topic_of_ushers(tmp_path: Path) -> None:
    scopes = option(written(tmp_path)["Component", PUBSUB], "publishingScopes").split(";")
    assert f"starter={Topic.REQUESTS},{Topic.EVENTS},orders,payments" in scopes


def test_each_component_that_is_heard_has_a_retry_that_never_gives_up(tmp_path: Path) -> None:
    resiliency = written(tmp_path)["Resiliency", "resiliency"]["spec"]
    for name in (PUBSUB, PUBSUB_ROUTES, PUBSUB_ROUTES_ORDERED, "kafka"):
        policy = resiliency["targets"]["components"][name]["inbound"]["retry"]
        assert resiliency["policies"]["retries"][policy]["maxRetries"] == -1


def test_all_else_stays_as_it_was(tmp_path: Path) -> None:
    found, given = written(tmp_path), documents(GIVEN)
    changed = {("Component", PUBSUB), ("Resiliency", "resiliency")}
    assert {key: found[key] for key in given if key not in changed} == {
        key: given[key] for key in given if key not in changed
    }
    assert found.keys() == given.keys()


def test_what_an_earlier_set_of_routes_needed_is_gone(tmp_path: Path) -> None:
    written(tmp_path)
    write_routed(GIVEN, WANTED[:1], tmp_path / "made")
    found = documents(tmp_path / "made")
    assert "kafka" not in found["Resiliency", "resiliency"]["spec"]["targets"]["components"]
    assert "payments" not in option(found["Component", PUBSUB], "publishingScopes")


def test_a_publisher_that_no_scope_bounds_stays_unbounded(tmp_path: Path) -> None:
    open_ = tmp_path / "open"
    open_.mkdir()
    for name in ("pubsub.yaml", "pubsub-ordered.yaml", "resiliency.yaml"):
        text = (GIVEN / name).read_text().replace("starter=workflow-requests,workflow-events;", "")
        (open_ / name).write_text(text)
    scopes = option(written(tmp_path, open_)["Component", PUBSUB], "publishingScopes")
    assert "starter" not in scopes
