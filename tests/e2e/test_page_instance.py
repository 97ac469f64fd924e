"""One instance on the page: its timeline as a picture and in words, also when it is very long."""

from playwright.sync_api import Page, expect

from tests.support.browser import NARROW, Watcher
from tests.support.driver import Driver, fresh

HOSTILE = (
    '<script>window.harmed = 1</script><img src=x onerror="window.harmed = 2">'
    "{{ 7 * 7 }}\u202egnp.exe\u2066\x1b[31m\x00\x85\ud83d\ude00"
)


def told(page: Page) -> list[tuple[str, str, str]]:
    """Read the timeline in words: step, what, how it went."""
    rows = page.locator("#timeline tbody tr").all()
    cells = [row.locator("th, td").all_inner_texts() for row in rows]
    return [(step, what, went) for step, what, _, _, went in cells]


def seconds(text: str) -> float:
    """Read `997 ms` or `2.0 s`."""
    number, unit = text.split()
    return float(number) * {"ms": 0.001, "s": 1}[unit]


def test_the_timeline_tells_the_run_from_the_request_to_the_notice(
    usher: Driver, watcher: Watcher
) -> None:
    instance = fresh("order")
    usher.request("order_workflow", instance_id=instance, input={"card": "declined"})
    usher.notice(instance)
    page = watcher.open(f"/instances/{instance}")
    expect(page.locator("#facts")).to_contain_text("Completed")
    steps = told(page)
    assert [(step, what) for step, what, _ in steps] == [
        ("Request", ""),
        ("Decision", "started"),
        ("Started", "order_workflow"),
        ("Activity", "reserve_activity"),
        ("Activity", "pay_activity"),
        ("Pause", "before the next attempt"),
        ("Activity", "pay_activity"),
        ("Pause", "before the next attempt"),
        ("Activity", "pay_activity"),
        ("Activity", "refund_activity"),
        ("Activity", "release_activity"),
        ("Completion", "COMPLETED"),
        ("Notified", "COMPLETED"),
    ]
    assert steps[4][2] == "failed: PermissionError: the card was declined"
    pauses = page.locator("tr", has_text="before the next attempt").locator("td:nth-child(4)")
    assert [round(seconds(text)) for text in pauses.all_inner_texts()] == [1, 2]
    expect(page.locator("#timeline svg .bar")).to_have_count(len(steps))
    expect(page.get_by_role("img", name=f"Timeline of {instance}")).to_be_visible()
    places = page.locator("#timeline .bar.activity").evaluate_all(
        "bars => bars.map(bar => parseFloat(bar.getAttribute('x')))"
    )
    assert places == sorted(places)


def test_a_run_that_goes_on_is_drawn_as_it_goes(usher: Driver, watcher: Watcher) -> None:
    instance = fresh("approval")
    page = watcher.open(f"/instances/{instance}")
    expect(page.locator("#facts")).to_contain_text("no such instance")
    usher.request("approval_workflow", instance_id=instance, input={"deadline_seconds": 600})
    wait = page.locator("#timeline tr", has_text="Wait for")
    expect(wait).to_contain_text("waiting, until")
    usher.event(instance, "approval", {"approved": True})
    expect(wait).to_contain_text("event came")
    expect(page.locator("#timeline tr", has_text="Notified")).to_have_count(1)
    expect(page.get_by_role("heading", name="Waits for")).to_have_count(0)


def test_a_thousand_events_of_history_stay_usable(usher: Driver, watcher: Watcher) -> None:
    instance = fresh("long")
    usher.request("long_workflow", input=500, instance_id=instance)
    usher.notice(instance, 90)
    assert len(usher.get("orchestrator", f"/instances/{instance}/history")["items"]) >= 1000
    page = watcher.open(f"/instances/{instance}")
    expect(page.locator("#timeline svg .bar.activity")).to_have_count(500)
    assert page.locator("#timeline svg .lane").count() < 10
    expect(page.locator("#timeline tbody tr")).to_have_count(100)
    page.get_by_role("link", name="Show all").click()
    expect(page.locator("#timeline tbody tr")).to_have_count(505)
    took = page.evaluate("performance.getEntriesByType('navigation')[0].duration")
    assert took < 10_000, f"the page took {took} ms"


def test_hostile_payloads_stay_text(usher: Driver, watcher: Watcher) -> None:
    """Scripts do not run, text is not turned around, and nothing bursts the page."""
    instance, lost = fresh("hostile"), fresh("lost")
    usher.request("hello_workflow", input=HOSTILE + "w" * 100_000, instance_id=instance)
    usher.request(f"<b id='harm'>{lost}</b>\u202e", input=HOSTILE)
    usher.event(fresh("nobody"), "<img src=x onerror='window.harmed = 3'>" + "e" * 40, HOSTILE)
    usher.notice(instance)
    usher.dead_letter(lost)
    for path in (f"/?instance={instance}", "/?reason=unknown_workflow", f"/instances/{instance}"):
        page = watcher.open(path, width=NARROW)
        for fold in page.locator("#main summary").all():
            fold.click()
        text = page.locator("#main").inner_text()
        assert "window.harmed = 1" in text
        assert "{{ 7 * 7 }}" in text
        assert "\\u202e" in text
        assert not set("\u202e\u2066\x1b\x00\x85") & set(text)
        assert page.evaluate("window.harmed === undefined")
        assert page.locator("#main img, #main script, #harm").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth") <= NARROW
        assert len(text) < 60_000
    page = watcher.open()
    assert page.evaluate("window.harmed === undefined")
    expect(page.locator("#parked")).to_contain_text("<img src=x")
