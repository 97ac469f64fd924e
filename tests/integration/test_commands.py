"""What the commands do to real runs: asked first, waited for, controlled one by one or many."""

import json
import subprocess

import pytest

from tests.support.command import command_line, run_usher
from tests.support.driver import Driver, eventually, fresh


@pytest.mark.parametrize(
    ("workflow", "payload", "code", "outcome"),
    [
        ("hello_workflow", '"Ada"', 0, "COMPLETED"),
        ("fail_workflow", "null", 6, "FAILED"),
    ],
)
def test_publish_waits_for_the_end_and_says_how_it_ended(
    usher: Driver, workflow: str, payload: str, code: int, outcome: str
) -> None:
    instance = fresh("waited")
    given = ("--instance-id", instance, "--wait", "--timeout", "60s")
    told = run_usher(usher, "publish", workflow, payload, *given, code=code)
    assert (told["instance_id"], told["outcome"]) == (instance, outcome)


def test_a_run_that_is_terminated_while_it_is_waited_for(usher: Driver) -> None:
    instance = fresh("waited")
    words = ("publish", "approval_workflow", "--instance-id", instance, "--wait")
    line, environment = command_line(usher, *words)
    with subprocess.Popen(line, env=environment, stdout=subprocess.PIPE) as waiting:
        usher.running(instance)
        run_usher(usher, "terminate", instance, "--reason", "enough")
        stdout, _ = waiting.communicate(timeout=60)
    assert waiting.returncode == 7
    assert json.loads(stdout)["outcome"] == "TERMINATED"


def test_a_misspelt_workflow_is_not_sent_and_the_nearest_is_named(usher: Driver) -> None:
    instance = fresh("misspelt")
    given = ("publish", "helo_workflow", "--instance-id", instance)
    error = run_usher(usher, *given, code=5)["error"]
    assert error["reason"] == "unknown_workflow"
    assert "did you mean 'hello_workflow'?" in error["errors"][0]["message"]
    run_usher(usher, *given, "--force")
    assert usher.dead_letter(instance)["reason"] == "unknown_workflow"
    error = run_usher(usher, "status", instance, code=4)["error"]
    assert "dead-lettered as unknown_workflow" in error["title"]


def test_many_are_suspended_resumed_terminated_and_purged_by_a_prefix(usher: Driver) -> None:
    prefix = fresh("many") + "-"
    instances = [f"{prefix}{number}" for number in range(3)]
    for instance in instances:
        usher.request("approval_workflow", instance_id=instance)
    for instance in instances:
        usher.running(instance)

    def all_are(status: str | None) -> None:
        eventually(lambda: {*map(usher.status, instances)}, lambda found: found == {status})

    told = run_usher(usher, "suspend", "--prefix", prefix)
    assert [one["instance_id"] for one in told["items"]] == instances
    all_are("RUNNING")  # a dry run does nothing
    for control, status in (("suspend", "SUSPENDED"), ("resume", "RUNNING")):
        run_usher(usher, control, "--prefix", prefix, "--yes")
        all_are(status)
    refused = run_usher(usher, "purge", instances[0], code=5)["error"]
    assert "Not sent" in refused["title"]
    run_usher(usher, "terminate", "--prefix", prefix, "--yes", "--reason", "enough")
    for instance in instances:
        assert usher.notice(instance)["outcome"] == "TERMINATED"
    run_usher(usher, "purge", "--prefix", prefix, "--yes")
    all_are(None)


def test_watch_prints_each_ending_as_it_comes(usher: Driver) -> None:
    instance = fresh("watched")
    line, environment = command_line(usher, "watch", "--workflow", "hello_workflow")
    pipe = subprocess.PIPE
    with subprocess.Popen(line, env=environment, stdout=pipe, stderr=pipe, text=True) as watching:
        try:
            assert watching.stdout
            assert watching.stderr
            assert "Ctrl-C" in watching.stderr.readline()  # it follows from here on
            usher.request("approval_workflow", instance_id=fresh("other"))
            usher.request("hello_workflow", instance_id=instance, input="Ada")
            found = (json.loads(line) for line in watching.stdout)
            assert any(one["instance_id"] == instance for one in found)
        finally:
            watching.terminate()
    assert watching.wait(timeout=30) == 0
