"""The parent and its child on the real runtime."""

import pytest

from tests.support.driver import Driver, fresh
from tests.support.recorded import assert_replays


@pytest.mark.parametrize(
    ("given", "name", "child"),
    [("Ada", "Ada", "Ada"), ({"name": "Ada Lovelace"}, "Ada Lovelace", "Ada_Lovelace")],
)
def test_a_parent_returns_what_its_child_returned(
    usher: Driver, given: object, name: str, child: str
) -> None:
    parent = fresh("parent")
    usher.request("parent_workflow", input=given, instance_id=parent)

    notice = usher.notice(parent)

    assert notice["outcome"] == "COMPLETED"
    assert notice["output"] == {
        "parent_result": f"the parent is done for {name}",
        "child_result": f"the child is done for {name}",
    }
    assert notice["custom_status"] == f"waiting for {parent}-child-{child}"
    assert_replays(usher, parent)


def test_a_child_can_be_asked_for_by_its_id_and_announces_nothing(usher: Driver) -> None:
    parent = fresh("parent")
    usher.request("parent_workflow", input="Ada", instance_id=parent)
    usher.notice(parent)

    child = usher.get("starter", f"/status/{parent}-child-Ada")

    assert child["workflow"] == "child_orchestration_workflow"
    assert child["status"] == "COMPLETED"
    assert child["input"] == "Ada"
    assert child["output"] == "the child is done for Ada"
    assert usher.notices(f"{parent}-child-Ada") == []
    assert_replays(usher, f"{parent}-child-Ada")
