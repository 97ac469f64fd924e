"""The deterministic workflow by hand: two runs over the same results make the same."""

from orchestrator.workflows.deterministic_workflow import (
    Note,
    deterministic_workflow,
    note_activity,
)
from tests.support.replay import Played, Step, activity_context, play


def run_of(instance_id: str = "d-1") -> Played:
    def keep(step: Step) -> dict[str, str]:
        return note_activity(activity_context(), step.input)

    answers = {"note_activity": keep}
    return play(deterministic_workflow, Note(text="a test"), answers, instance_id=instance_id)


def test_time_and_guid_are_the_same_on_replay() -> None:
    played = run_of()
    assert played.output["same_on_replay"] is True
    assert played.output["at"] == "2030-01-01T00:00:00"
    assert played.output["later"] > played.output["at"]
    assert played.output == run_of().output


def test_what_is_compared_is_what_the_activity_kept() -> None:
    other = {"text": "a test", "guid": "another", "at": "2030-01-01T00:00:00"}
    played = play(deterministic_workflow, Note(text="a test"), {"note_activity": other})
    assert played.output["same_on_replay"] is False


def test_another_instance_makes_another_guid() -> None:
    assert run_of("d-1").output["guid"] != run_of("d-2").output["guid"]
