"""Time and guid of a workflow are the same in every run over its history."""

import uuid

from tests.support.driver import Driver, fresh
from tests.support.recorded import assert_replays


def test_time_and_guid_are_the_same_on_replay(usher: Driver) -> None:
    instance = fresh("deterministic")
    usher.request("deterministic_workflow", instance_id=instance, input={"text": "a test"})

    notice = usher.notice(instance)

    output = notice["output"]
    assert notice["outcome"] == "COMPLETED"
    assert output["text"] == "a test"
    assert output["same_on_replay"] is True
    assert output["at"] < output["later"]
    assert uuid.UUID(output["guid"])
    assert_replays(usher, instance)


def test_two_instances_have_two_guids(usher: Driver) -> None:
    instances = [fresh("deterministic") for _ in range(2)]
    for instance in instances:
        usher.request("deterministic_workflow", instance_id=instance)
    guids = {usher.notice(instance)["output"]["guid"] for instance in instances}
    assert len(guids) == 2
