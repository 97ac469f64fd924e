"""The audit while routes change: what came before a change is not taken for lost, what comes after
it is accounted for."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts import identity
from tests.integration.test_audit import _audit, _without
from tests.integration.test_routed_audit import steady
from tests.support.driver import Driver, eventually, fresh
from tests.support.stack import PORTS_BESIDE, healthy, up
from usher.audit.report import Report

WORKFLOW = '''\
"""Parcels."""

from dapr.ext.workflow import DaprWorkflowContext
from pydantic import BaseModel

from usher import activity, workflow


class Parcel(BaseModel):
    """What was sent."""

    parcel: str


@workflow()
def parcel_workflow(ctx: DaprWorkflowContext, input: Parcel):
    """Return the parcel."""
    return input.parcel
    yield
'''
SENT = "sent:\n  from: parcels\n  type: sent\n  key: data.parcel\n  start: parcel_workflow\n"
LOST = "lost:\n  from: parcels\n  type: lost\n  key: data.parcel\n  start: parcel_workflow\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("parcels")
    (found / "parcels.py").write_text(WORKFLOW)
    (found / "routes.yaml").write_text(SENT)
    return found


@pytest.fixture(scope="module")
def changing(folder: Path) -> Iterator[Driver]:
    with up(PORTS_BESIDE + 1240, workflows=(folder,), samples=False) as driver:
        yield driver


@pytest.fixture
def usher(changing: Driver) -> Iterator[Driver]:
    yield from healthy(changing)


def _publish(usher: Driver, kind: str) -> str:
    parcel = fresh(kind)
    usher.cloudevent("parcels", parcel, {"parcel": parcel}, type=kind, source="/shop")
    return parcel


def _served(usher: Driver, kind: str) -> str:
    """Publish a parcel that a route is for; return its id once it is audited as started."""
    parcel = _publish(usher, kind)
    usher.notice(f"parcel_workflow-{parcel}", seconds=60)
    return parcel


def _unrouted(usher: Driver, kind: str) -> str:
    """Publish a parcel that no route is for; return its id once the service has left it."""
    parcel = _publish(usher, kind)

    def left() -> list[str]:
        return [one["id"] for one in usher.get("orchestrator", "/routes")["unrouted"]]

    eventually(left, lambda ids: parcel in ids, seconds=60)
    eventually(lambda: usher.pending("parcels"), lambda n: n == 0)
    return parcel


def _settled(usher: Driver) -> Report:
    def open_events() -> int:
        return _audit(usher).open

    eventually(open_events, lambda n: n == 0)
    return _audit(usher)


def _serve(usher: Driver, folder: Path, routes: str) -> None:
    with usher.away("orchestrator", healthy_within=120):
        (folder / "routes.yaml").write_text(routes)


@pytest.mark.timeout(600)
def test_p2_routes_that_are_added_paused_and_changed(usher: Driver, folder: Path) -> None:
    steady(usher)
    sent, lost = _served(usher, "sent"), _unrouted(usher, "lost")
    before = _settled(usher)
    assert (before.findings, before.unrouted, before.before_change) == ([], 1, 0)

    _serve(usher, folder, SENT + LOST)
    added = _settled(usher)
    assert (added.findings, added.unrouted, added.before_change) == ([], 0, 1)
    assert usher.status(f"parcel_workflow-{lost}") is None
    with _without(usher, _row(sent, "sent")):  # a route that stayed as it was
        assert [(one.id, one.route) for one in _audit(usher).findings] == [(sent, "sent")]

    _serve(usher, folder, LOST)
    _serve(usher, folder, SENT + LOST)  # a route that was gone begins anew
    with _without(usher, _row(sent, "sent")):
        gone = _audit(usher)
    assert (gone.findings, gone.before_change) == ([], 2)

    _serve(usher, folder, f"{SENT}  paused: true\n{LOST}")
    missed = _unrouted(usher, "sent")
    paused = _settled(usher)
    assert (paused.findings, paused.unrouted) == ([], 2)
    _serve(usher, folder, SENT + LOST)
    resumed = _settled(usher)
    assert (resumed.findings, resumed.unrouted, resumed.before_change) == ([], 0, 2)
    assert usher.status(f"parcel_workflow-{missed}") is None

    _serve(usher, folder, SENT.replace("data.parcel", "string('p-' + data.parcel)") + LOST)
    changed = _settled(usher)  # the first parcel has a row, with the instance of the former key
    assert (changed.findings, changed.dispositions) == ([], {"started": 1})

    steady(usher)
    last = _served(usher, "lost")
    assert _settled(usher).findings == []
    with _without(usher, _row(last, "lost")):
        assert [(one.id, one.route) for one in _audit(usher).findings] == [(last, "lost")]


def _row(event_id: str, route: str) -> str:
    return f"event-{identity.event_key('/shop', event_id, route)}"
