"""The live page, watched in a browser: what comes is there without a reload, nothing is lost."""

import json
import os
import re
import signal
import time
from functools import partial

import httpx
from playwright.sync_api import Locator, Page, Route, expect

from tests.support.browser import PATIENCE_MS, Watcher
from tests.support.driver import Driver, eventually, fresh

MARK = "window.neverReloaded = true"


def row(page: Page, instance: str) -> Locator:
    return page.locator(f'#feed .row:has(a[href="/instances/{instance}"])')


def wait_of(page: Page, instance: str) -> Locator:
    return page.locator("#waits .row", has=page.get_by_role("link", name=instance))


def never_reloaded(page: Page) -> bool:
    return bool(page.evaluate("window.neverReloaded === true"))


def kill(usher: Driver, name: str) -> None:
    os.kill(usher.stack.pids()[name], signal.SIGKILL)


def test_a_publish_appears_without_a_reload(usher: Driver, watcher: Watcher) -> None:
    """The page's clock stands still, so it asks for nothing by itself: the stream tells it."""
    page = watcher.open(frozen=True)
    page.evaluate(MARK)
    done, wrong = fresh("hello"), fresh("wrong")
    usher.request("hello_workflow", input="Ada", instance_id=done)
    expect(row(page, done)).to_contain_text("Hello, Ada!")
    usher.request("hello_workflow", input={"nmae": wrong})
    letter = page.locator("#feed .row.letter", has_text=wrong)
    letter.locator("summary").click()
    expect(letter.locator("pre")).to_contain_text(wrong)
    assert never_reloaded(page)


def test_what_comes_while_the_page_is_asked_for_is_asked_for_again(
    usher: Driver, watcher: Watcher
) -> None:
    page, instance = watcher.open(frozen=True), fresh("hello")

    def answer_late(route: Route) -> None:
        answer = route.fetch()
        usher.request("hello_workflow", input="Ada", instance_id=instance)
        usher.notice(instance)
        route.fulfill(response=answer)

    page.route("**/", answer_late, times=1)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(row(page, instance)).to_contain_text("Hello, Ada!")


def test_a_wait_comes_and_goes_without_a_reload(usher: Driver, watcher: Watcher) -> None:
    page = watcher.open()
    page.evaluate(MARK)
    instance = fresh("approval")
    wait = wait_of(page, instance)
    usher.request("approval_workflow", instance_id=instance, input={"deadline_seconds": 600})
    expect(wait).to_contain_text("approval")
    usher.event(instance, "approval", {"approved": True})
    expect(wait).to_have_count(0)
    expect(row(page, instance)).to_contain_text("approved")
    assert never_reloaded(page)


def test_an_event_that_nobody_waits_for_is_shown_as_parked(usher: Driver, watcher: Watcher) -> None:
    nobody = fresh("nobody")
    usher.event(nobody, "shipped", {"parcel": 17})
    parked = watcher.open().locator("#parked .row", has_text=nobody)
    expect(parked).to_contain_text("shipped")


def test_filters_are_in_the_url(usher: Driver, watcher: Watcher) -> None:
    done, failed, wrong = fresh("hello"), fresh("fail"), fresh("wrong")
    usher.request("hello_workflow", input="Ada", instance_id=done)
    usher.request("fail_workflow", instance_id=failed)
    usher.request("hello_workflow", input={"nmae": 1}, instance_id=wrong)
    usher.notice(done)
    usher.notice(failed)
    usher.dead_letter(wrong)

    page = watcher.open("/?outcome=FAILED")
    expect(row(page, failed)).to_have_count(1)
    expect(page.locator("#feed .row:not(.failed)")).to_have_count(0)
    expect(page.get_by_label("Outcome")).to_have_value("FAILED")
    page.get_by_label("Outcome").select_option("any")
    page.get_by_label("Instance", exact=True).fill(wrong)
    page.get_by_role("button", name="Filter").click()
    expect(page).to_have_url(re.compile(f"instance={wrong}"))
    expect(page.locator("#feed .row")).to_have_count(1)
    expect(page.locator("#feed .row")).to_contain_text("invalid_input")

    page.goto(f"/?reason=invalid_input&instance={done}")
    expect(page.locator("#feed")).to_contain_text("Nothing fits")
    page.goto(f"/?workflow=hello_workflow&instance={done}")
    expect(page.locator("#feed .row")).to_have_count(1)


def test_what_one_reads_and_types_stays_while_more_comes(usher: Driver, watcher: Watcher) -> None:
    """Rows come and go around the one that somebody is busy with; nothing is taken from them."""
    busy, other = fresh("approval"), fresh("approval")
    for instance in (busy, other):
        usher.request("approval_workflow", instance_id=instance, input={"deadline_seconds": 600})
        usher.running(instance)
    page = watcher.open()
    wait = wait_of(page, busy)
    wait.get_by_text("Send approval").click()
    data = wait.get_by_label("The event's data")
    data.fill('{"approved": true, "by": "Gr')
    usher.event(other, "approval", {"approved": False})
    expect(row(page, other)).to_contain_text("rejected")
    expect(wait_of(page, other)).to_have_count(0)
    expect(data).to_be_focused()
    page.keyboard.type('ace"}')
    expect(data).to_have_value('{"approved": true, "by": "Grace"}')
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert usher.notice(busy)["output"]["by"] == "Grace"


def test_a_notifier_killed_while_one_watches_loses_nothing(usher: Driver, watcher: Watcher) -> None:
    page = watcher.open()
    page.evaluate(MARK)
    connection = page.locator("#connection")
    kill(usher, "notifier")
    expect(connection).to_contain_text("Reconnecting")
    missed = [fresh("hello") for _ in range(5)]
    for instance in missed:
        usher.request("hello_workflow", input="Ada", instance_id=instance)
    expect(connection).to_contain_text("Live")
    for instance in missed:
        expect(row(page, instance)).to_have_count(1)
    assert never_reloaded(page)


def test_a_sidecar_killed_while_one_watches_loses_nothing(usher: Driver, watcher: Watcher) -> None:
    page = watcher.open()
    page.evaluate(MARK)
    kill(usher, "notifier-daprd")
    missed = [fresh("hello") for _ in range(3)]
    for instance in missed:
        usher.request("hello_workflow", input="Ada", instance_id=instance)
    for instance in missed:
        expect(row(page, instance)).to_have_count(1, timeout=60_000)
    assert never_reloaded(page)


def _read(usher: Driver, after: str, count: int) -> list[tuple[str, str]]:
    """Read so many events of the stream as any client would: their ids and their instances."""
    found: list[tuple[str, str]] = []
    headers = {"last-event-id": after}
    deadline = time.monotonic() + PATIENCE_MS / 1000
    with usher.http.stream("GET", usher.url("notifier", "/stream"), headers=headers) as stream:
        event_id = ""
        for line in stream.iter_lines():
            if line.startswith("id:"):
                event_id = line[3:].strip()
            elif line.startswith("data:") and event_id:
                found.append((event_id, json.loads(line[5:])["instance_id"]))
                event_id = ""
            if len(found) == count or time.monotonic() > deadline:  # a ping comes now and then
                break
    return found


def test_the_stream_goes_on_where_it_left_off_also_after_a_restart(usher: Driver) -> None:
    instances = [fresh("hello") for _ in range(4)]
    newest = httpx.get(usher.url("notifier", "/"), trust_env=False).text
    after = newest.partition('data-last="')[2].partition('"')[0]
    for instance in instances[:2]:
        usher.request("hello_workflow", input="Ada", instance_id=instance)
        usher.notice(instance)
    first = _read(usher, after, 2)
    assert [one for _, one in first] == instances[:2]

    kill(usher, "notifier")
    for instance in instances[2:]:
        usher.request("hello_workflow", input="Ada", instance_id=instance)
        eventually(partial(_notices, usher, instance), bool)
    second = _read(usher, first[-1][0], 2)
    assert [one for _, one in second] == instances[2:]
    again = _read(usher, first[0][0], 3)
    assert again == [first[1], *second]


def _notices(usher: Driver, instance: str) -> list[object]:
    """Read the notices, or none while the notifier is away."""
    try:
        return list(usher.notices(instance))
    except httpx.HTTPError:
        return []
