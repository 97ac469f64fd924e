"""What is too large is refused where it arises, and an ending is announced whatever its size."""

from typing import Any

import pytest

from orchestrator.runs.payload import MAX_PAYLOAD_BYTES, MAX_RESULT_BYTES
from tests.integration.test_outcomes import all_run, others_are_served
from tests.support.driver import Document, Driver, eventually, fresh

FITS = MAX_PAYLOAD_BYTES - 2  # with its quotes
TOO_LARGE = [
    ("input", 3_000_000),
    ("input", FITS + 1),
    ("child", 3_000_000),
    ("again", 3_000_000),
    ("status", 3_000_000),
]


def large(where: str, size: int, **more: Any) -> Document:
    return {"where": where, "size": size, **more}


@pytest.mark.parametrize("catch", [True, False])
def test_what_a_workflow_passes_on_is_refused_there_with_size_and_limit(
    usher: Driver, catch: bool
) -> None:
    inputs = [large(where, size, catch=catch) for where, size in TOO_LARGE]
    inputs.append(large("input", 250_000, letter="😀", catch=catch))  # 12 bytes each as JSON
    for notice in all_run(usher, "large_workflow", inputs):
        assert notice["outcome"] == ("COMPLETED" if catch else "FAILED")
        said = notice["output"] if catch else notice["error"]["message"]
        assert f"the limit is {MAX_PAYLOAD_BYTES:,}" in said
        assert catch or notice["error"]["type"] == "PayloadTooLarge"


def test_what_is_just_small_enough_goes_through(usher: Driver) -> None:
    sizes = [("input", FITS), ("child", FITS - 1_000), ("again", FITS - 2_000)]
    sizes += [("result", MAX_RESULT_BYTES - 2), ("child_result", MAX_RESULT_BYTES - 2)]
    inputs = [large(where, size) for where, size in sizes]
    for (_, size), notice in zip(sizes, all_run(usher, "large_workflow", inputs), strict=True):
        assert notice["output"] == size
    turn = [large("turn", 1_000_000, count=10)]  # more than 4 MiB in one turn
    assert all_run(usher, "large_workflow", turn)[0]["output"] == 10_000_000


def test_a_result_that_is_too_large_fails_its_task_and_is_not_tried_again(usher: Driver) -> None:
    inputs = [large("result", 3_600_000), large("result", 10_000_000), large("result", 40_000_000)]
    inputs += [large("child_result", 3_600_000), large("child_result", 20_000_000)]
    for notice in all_run(usher, "large_workflow", inputs):  # a retry would wait for a minute
        assert notice["outcome"] == "FAILED"
        assert notice["error"]["cause_type"] == "PayloadTooLarge"
        assert f"the limit is {MAX_RESULT_BYTES:,}" in notice["error"]["message"]


def test_a_turn_that_is_too_large_fails_the_run_in_the_authors_code(usher: Driver) -> None:
    inputs = [large("turn", 1_000_000, count=20), large("turn", 1_900_000, count=10)]
    for notice in all_run(usher, "large_workflow", inputs):
        assert (notice["outcome"], notice["error"]["type"]) == ("FAILED", "PayloadTooLarge")


@pytest.mark.parametrize(("size", "letter"), [(2_200_000, "x"), (3_490_000, "x"), (250_000, "😀")])
def test_an_output_that_no_message_takes_is_announced_cut_and_marked(
    usher: Driver, size: int, letter: str
) -> None:
    (notice,) = all_run(usher, "large_workflow", [large("output", size, letter=letter)])
    assert notice["outcome"] == "COMPLETED"
    assert notice["truncated"] == ["output"]
    assert notice["output"].startswith('"' + (letter * 100 if letter == "x" else ""))
    assert notice["output"].endswith("…")
    whole = usher.get("starter", f"/status/{notice['instance_id']}")
    assert whole["output"] == letter * size


def test_an_output_that_the_engine_does_not_take_fails_the_run(usher: Driver) -> None:
    inputs = [large("output", size) for size in (3_600_000, 10_000_000, 40_000_000)]
    for notice in all_run(usher, "large_workflow", inputs):
        assert (notice["outcome"], notice["error"]["type"]) == ("FAILED", "PayloadTooLarge")
        assert f"the limit is {MAX_RESULT_BYTES:,}" in notice["error"]["message"]


def test_an_output_that_one_message_takes_is_announced_whole(usher: Driver) -> None:
    (notice,) = all_run(usher, "large_workflow", [large("output", 1_800_000)])
    assert notice["output"] == "x" * 1_800_000
    assert "truncated" not in notice


def test_errors_and_statuses_are_announced_whatever_their_size(usher: Driver) -> None:
    inputs = [large("error", 3_000_000), large("error", 20_000_000), large("status", 1_950_000)]
    *errors, status = all_run(usher, "large_workflow", inputs)
    for notice in errors:
        assert notice["error"]["type"] == "LookupError"
        assert notice["error"]["message"].endswith("characters)")
        assert len(notice["error"]["message"]) < 20_000
    assert status["truncated"] == ["output", "custom_status"] or status["truncated"] == ["output"]


def test_a_terminated_run_with_a_large_status_is_announced(usher: Driver) -> None:
    waiting = fresh("large")
    usher.request("status_workflow", input=1_950_000, instance_id=waiting)
    usher.running(waiting)
    command = {"instance_id": waiting, "control": "terminate", "reason": "y" * 900_000}
    usher.publish("workflow-events", command)
    notice = usher.notice(waiting)
    assert notice["outcome"] == "TERMINATED"
    assert "output" in notice["truncated"]
    others_are_served(usher)


def test_a_name_of_many_characters_does_not_stay_pending(usher: Driver) -> None:
    emojis = fresh("emojis")
    usher.request("hello_workflow", input="😀" * 225_000, instance_id=emojis)
    others_are_served(usher)

    def ended() -> bool:
        refused = [one for one in usher.dead_letters() if emojis in str(one["event"])]
        return bool(refused or usher.notices(emojis))

    assert eventually(ended, bool)


def test_a_deep_output_is_announced_or_fails_the_run(usher: Driver) -> None:
    flat, deep, deepest = all_run(usher, "deep_workflow", [90, 240, 2_000])
    assert (flat["outcome"], "truncated" in flat) == ("COMPLETED", False)
    assert (deep["outcome"], deep["truncated"]) == ("COMPLETED", ["output"])
    assert deepest["outcome"] == "FAILED"
