"""How a run is told on the page: what failed, how it ended, what it takes, what it carried."""

import re
from pathlib import Path

import httpx
from playwright.sync_api import Page, expect

from tests.integration.test_isolation import stalled
from tests.integration.test_numbers import NUMBERS
from tests.support.browser import NARROW, Watcher
from tests.support.driver import Driver, eventually, fresh


def told(page: Page) -> list[list[str]]:
    """Read the timeline in words: step, what, began, took, how it went."""
    rows = page.locator("#timeline tbody tr").all()
    return [row.locator("th, td").all_inner_texts() for row in rows]


def seconds(text: str) -> float:
    number, unit = text.split()
    return float(number) * {"ms": 0.001, "s": 1}[unit]


def terminated(usher: Driver) -> str:
    instance = fresh("approval")
    usher.request("approval_workflow", instance_id=instance, input={"deadline_seconds": 600})
    usher.running(instance)
    command = {"instance_id": instance, "control": "terminate", "reason": "no longer wanted"}
    usher.publish("workflow-events", command)
    usher.notice(instance)
    return instance


def suspended(usher: Driver) -> str:
    instance = fresh("approval")
    usher.request("approval_workflow", instance_id=instance, input={"deadline_seconds": 600})
    usher.running(instance)
    usher.publish("workflow-events", {"instance_id": instance, "control": "suspend"})
    eventually(lambda: usher.status(instance), "SUSPENDED".__eq__)
    return instance


def test_of_300_activities_the_one_that_failed_is_counted_and_named(
    usher: Driver, watcher: Watcher
) -> None:
    instance = fresh("wide")
    width = {"steps": 300, "failing": [207]}
    usher.request("wide_workflow", instance_id=instance, input=width)
    notice = usher.notice(instance, 90)
    page = watcher.open(f"/instances/{instance}")
    label = page.locator("#timeline svg text.label", has_text="sample_activity")
    expect(label).to_have_text(re.compile(r"^Activity sample_activity . 300 1 failed$"))
    rows = told(page)
    failed = [row for row in rows if row[4].startswith("failed") and row[0] == "Activity"]
    assert [(row[1], row[4]) for row in failed] == [
        ("sample_activity", "failed: ValueError: no sample 207")
    ]
    lengths = [seconds(row[3]) for row in rows if row[3]]
    assert lengths
    assert min(lengths) >= 0
    steps = usher.get("notifier", f"/timeline/{instance}")["steps"]
    assert min(step["seconds"] for step in steps) >= 0
    caption = page.locator("figcaption").inner_text()
    took = re.search(r"The run took (.+?)\. ", caption)
    assert took, caption
    assert abs(seconds(took[1]) - notice["duration_s"]) <= 0.05
    drawn = page.locator("#timeline svg text.length").all_text_contents()
    assert max(seconds(one) for one in drawn if one) <= notice["duration_s"] + 2


def test_a_run_that_continued_as_new_counts_from_its_first_start(
    usher: Driver, watcher: Watcher
) -> None:
    instance = fresh("wide")
    usher.request("wide_workflow", instance_id=instance, input={"rounds": 3})
    notice = usher.notice(instance)
    page = watcher.open(f"/instances/{instance}")
    expect(
        page.locator("#timeline tr", has=page.get_by_role("rowheader", name="Started"))
    ).to_contain_text("continued as new")
    took = re.search(r"The run took (.+?)\.($| )", page.locator("figcaption").inner_text())
    assert took
    assert abs(seconds(took[1]) - notice["duration_s"]) <= 0.05


def test_a_terminated_run_has_one_completion_and_a_reason(usher: Driver, watcher: Watcher) -> None:
    instance = terminated(usher)
    page = watcher.open(f"/instances/{instance}")
    expect(page.locator("#timeline tr", has_text="Completion")).to_have_count(1)
    expect(page.locator("#data")).to_contain_text(re.compile(r"Reason\s*no longer wanted"))
    expect(page.get_by_role("heading", name="Output", exact=True)).to_have_count(0)
    expect(page.locator("#feed .row")).to_contain_text("Reason: no longer wanted")
    facts = page.locator("#facts")
    expect(facts).to_contain_text("last status: waiting for approval")
    expect(facts).not_to_contain_text("says:")
    steps = [row[0] for row in told(page)]
    assert steps.index("Completion") < steps.index("Notified")


def test_the_notice_never_stands_before_its_completion(usher: Driver, watcher: Watcher) -> None:
    instance = fresh("hello")
    usher.request("hello_workflow", instance_id=instance, input="Ada")
    usher.notice(instance)
    page = watcher.open(f"/instances/{instance}")
    expect(page.locator("#facts")).to_contain_text("Completed")
    kinds = ("completion", "notified")
    x = [page.locator(f"#timeline .bar.{kind}").get_attribute("x") for kind in kinds]
    assert float((x[0] or "")[:-1]) <= float((x[1] or "")[:-1])
    steps = usher.get("notifier", f"/timeline/{instance}")["steps"]
    begins = {step["kind"]: step["begin"] for step in steps}
    assert begins["completion"] <= begins["notified"]


def test_a_suspended_run_is_resumed_and_asks_for_nothing_before(
    usher: Driver, watcher: Watcher
) -> None:
    instance = suspended(usher)
    live = watcher.open("/")
    row = live.locator("#waits .row", has=live.get_by_role("link", name=instance))
    expect(row.get_by_role("button", name="Resume")).to_have_count(1)
    expect(row.get_by_role("button", name="Approve")).to_have_count(0)
    page = watcher.open(f"/instances/{instance}", width=NARROW)
    expect(page.get_by_role("button", name="Resume")).to_have_count(1)
    expect(page.get_by_role("button", name="Approve")).to_have_count(0)
    expect(page.get_by_text("Send approval")).to_have_count(0)
    page.get_by_role("button", name="Resume").click()
    approve = page.get_by_role("button", name="Approve")
    expect(approve).to_be_enabled()
    expect(page.locator("#facts")).to_contain_text("Running")
    approve.click()
    assert usher.notice(instance)["output"]["decision"] == "approved"


def test_a_stalled_run_is_marked_with_its_reason_and_what_to_do(
    usher: Driver, watcher: Watcher, tmp_path: Path
) -> None:
    instance = stalled(usher, tmp_path / "gone")
    page, live = watcher.open(f"/instances/{instance}"), watcher.open("/")
    facts = page.locator("#facts")
    expect(facts).to_contain_text("Stalled")
    expect(facts).to_contain_text(re.compile(r"stopped this run at \d\d:\d\d:\d\d: PATCH_MISMATCH"))
    expect(facts).to_contain_text(f"usher terminate {instance}")
    expect(page.locator("#timeline tr", has_text="PATCH_MISMATCH")).to_have_count(1)
    assert page.get_by_role("button").count() == 0
    listed = live.locator("#stalled .row", has_text=instance)
    expect(listed).to_contain_text("PATCH_MISMATCH", timeout=60_000)
    ends = {"instance_id": instance, "control": "terminate", "reason": "by hand"}
    usher.publish("workflow-events", ends)
    usher.notice(instance)
    expect(listed).to_have_count(0, timeout=60_000)


def start(page: Page, instance: str, name: str) -> None:
    page.goto("/start/hello_workflow")
    page.get_by_label("name").fill(name)
    page.get_by_label("Instance id").fill(instance)
    page.get_by_role("button", name="Start").click()


def test_an_id_that_is_taken_is_said_before_anything_is_sent(
    usher: Driver, watcher: Watcher
) -> None:
    instance = fresh("taken")
    page = watcher.open("/start")
    start(page, instance, "Ada")
    expect(page).to_have_url(usher.url("notifier", f"/instances/{instance}"))
    usher.notice(instance)
    error = page.locator("#instance_id-error")
    start(page, instance, "Grace")
    expect(error).to_contain_text(f"{instance} is taken by another run")
    expect(page.get_by_label("name")).to_have_value("Grace")
    start(page, instance, "Ada")
    expect(error).to_contain_text("for the same workflow and input. Nothing new was started")
    assert len(usher.notices(instance)) == 1
    assert not [one for one in usher.dead_letters() if instance in str(one["event"])]


def test_an_id_that_is_taken_meanwhile_is_said_after(usher: Driver, watcher: Watcher) -> None:
    """The orchestrator is away when the form is sent, so nobody could object."""
    instance = fresh("taken")
    usher.request("hello_workflow", instance_id=instance, input="Ada")
    usher.notice(instance)
    page = watcher.open("/start/hello_workflow")
    with usher.away("orchestrator"):
        start(page, instance, "Grace")
        expect(page).to_have_url(re.compile(f"/instances/{instance}"))
    expect(page.locator("#sent")).to_contain_text("Your request started nothing")
    expect(page.locator("#feed .row.letter")).to_contain_text("instance_exists")


def test_numbers_on_the_page_are_those_that_were_published(usher: Driver, watcher: Watcher) -> None:
    instance = fresh("carry")
    command = (
        f'{{"workflow": "carrying_workflow", "instance_id": "{instance}", "input": {NUMBERS}}}'
    )
    usher.publish("workflow-requests", command.encode())
    usher.running(instance)
    page = watcher.open(f"/instances/{instance}")
    page.get_by_text("Send more").click()
    page.get_by_label("The event's data").fill(NUMBERS)
    page.get_by_role("button", name="Send").click()
    usher.notice(instance)
    output = page.locator("#data [data-key=output] pre")
    for number in (
        "1700000000123456789",
        "9007199254740993",
        "1.0,",
        "-0.0",
        "12345678901234567890123",
    ):
        expect(output).to_contain_text(number)
        assert output.inner_text().count(number) >= 2, number
    page.locator("#feed .row summary").first.click()
    expect(page.locator("#feed .row pre").first).to_contain_text("1700000000123456789")


def test_the_underscores_of_ids_are_not_hidden_by_their_underline(watcher: Watcher) -> None:
    page = watcher.open("/start")
    link = page.get_by_role("link", name="hello_workflow", exact=True)
    style = link.evaluate(
        "a => { const s = getComputedStyle(a); "
        "return [parseFloat(s.textUnderlineOffset), parseFloat(s.fontSize)] }"
    )
    assert style[0] >= 0.3 * style[1]


def test_an_old_form_without_a_key_still_starts_something(usher: Driver) -> None:
    instance = fresh("keyless")
    answer = httpx.post(
        usher.url("notifier", "/start/hello_workflow"),
        data={"input.name": "Ada", "instance_id": instance},
        trust_env=False,
        timeout=30,
    )
    assert (answer.status_code, answer.headers["location"]) == (303, f"/instances/{instance}")
    usher.notice(instance)
