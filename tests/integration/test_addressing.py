"""Who is addressed: every id that the engine has; and an instance is named once."""

from tests.support.command import run_usher
from tests.support.driver import Driver, eventually, fresh


def test_a_child_that_the_engine_named_is_addressed_like_any_other(usher: Driver) -> None:
    parent = fresh("family")
    usher.request("family_workflow", instance_id=parent)

    def children() -> list[str]:
        items = usher.get("orchestrator", "/waiting", limit=1000)["items"]
        return [one["instance_id"] for one in items if one["instance_id"].startswith(parent)]

    [child] = eventually(children, bool)
    assert child != parent
    assert run_usher(usher, "status", child)["status"] == "RUNNING"
    assert usher.status(child) == "RUNNING"
    assert run_usher(usher, "trace", child)["instance"]["instance_id"] == child
    run_usher(usher, "event", child, "go", '{"by": "hand"}')
    assert usher.notice(parent)["output"] == {"by": "hand"}


def test_an_id_of_any_shape_is_looked_for_and_not_found(usher: Driver) -> None:
    for odd in ("a/b", "a b:0001", "100%", "a?b#c", "é"):
        assert run_usher(usher, "status", odd, code=4)["error"]["title"]
        assert run_usher(usher, "trace", odd, code=4)["error"]["title"]
        event_id = fresh("event")
        command = {"instance_id": odd, "event": "go", "ttl_seconds": 0}
        usher.cloudevent("workflow-events", event_id, command)
        assert usher.dead_letter(event_id)["reason"] == "unknown_instance"


def test_an_instance_that_is_named_twice_is_refused_and_the_field_named(usher: Driver) -> None:
    answer = usher.post("/workflows/hello_workflow", params={"key": "7", "instance_id": "mine"})
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["key"]
    event_id = fresh("event")
    twice = {"workflow": "hello_workflow", "key": "7", "instance_id": fresh("mine")}
    usher.cloudevent("workflow-requests", event_id, twice)
    letter = usher.dead_letter(event_id)
    assert (letter["reason"], letter["field"]) == ("invalid_request", "key")
    assert "instance_id" in letter["message"]


def test_an_instance_that_is_named_twice_alike_is_served(usher: Driver) -> None:
    key = fresh("key")
    both = f"hello_workflow-{key}"
    usher.request("hello_workflow", key=key, instance_id=both)
    assert usher.notice(both)["outcome"] == "COMPLETED"
