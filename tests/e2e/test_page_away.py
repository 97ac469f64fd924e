"""The page while something it is made of does not answer: said once, plainly, with its age."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import Watcher
from tests.support.driver import Driver, eventually, fresh

TIME = r"\d\d:\d\d:\d\d"
RAW = re.compile(r"grpc|RPC|UNAVAILABLE|Errno|Traceback|127\.0\.0\.1|Connection refused", re.I)


@pytest.fixture
def waiting(usher: Driver) -> str:
    """An instance that waits for its approval, and a parked event."""
    instance = fresh("approval")
    usher.request("approval_workflow", instance_id=instance, input={"deadline_seconds": 600})
    usher.event(fresh("nobody"), "shipped", {})
    usher.running(instance)
    return instance


def mark(page: Page, state: str, text: str) -> None:
    expect(page.locator("#connection")).to_have_attribute("data-state", state)
    expect(page.locator("#connection")).to_have_text(re.compile(text))


def is_live(page: Page) -> None:
    mark(page, "on", "^Live$")
    expect(page.locator("#sources p")).to_have_count(0)


def settled(page: Page, *paths: str) -> list[str]:
    """Visit pages; return their texts."""
    found = []
    for path in paths:
        page.goto(path)
        found.append(page.locator("body").inner_text())
    return found


@pytest.mark.parametrize("process", ["orchestrator", "orchestrator-daprd"])
def test_with_the_orchestrator_away_what_is_shown_has_its_age(
    usher: Driver, watcher: Watcher, waiting: str, process: str
) -> None:
    page, other = watcher.open(), watcher.open(f"/instances/{waiting}")
    row = page.locator("#waits .row", has=page.get_by_role("link", name=waiting))
    expect(row).to_have_count(1)
    parked = page.locator("#counts [data-key=parked] b")
    expect(parked).not_to_have_text("0")
    expect(other.locator("#timeline")).to_contain_text("approval")
    counted = parked.inner_text()
    with usher.away(process):
        said = page.locator("#sources p")
        words = "The orchestrator does not answer; .* are shown as of " + TIME
        expect(said).to_have_text(re.compile(words))
        mark(page, "stale", f"^Not live. Shown as of {TIME}$")
        age = said.locator("time").inner_text()
        assert age in page.locator("#connection").inner_text()
        expect(row).to_have_count(1)
        assert parked.inner_text() == counted
        expect(other.locator("#sources p")).to_have_text(re.compile(words))
        mark(other, "stale", "Not live")
        expect(other.locator("#timeline")).to_contain_text("approval")
        texts = settled(other, "/", f"/instances/{waiting}", "/start", "/start/hello_workflow")
        texts += settled(other, f"/instances/{fresh('unknown')}")
        assert not any(RAW.search(text) for text in texts), texts
        assert not any("?" in text.split() for text in texts)
    is_live(page)
    expect(row).to_have_count(1)


def test_with_the_starter_away_nothing_can_be_pressed(
    usher: Driver, watcher: Watcher, waiting: str
) -> None:
    page = watcher.open(f"/instances/{waiting}")
    approve = page.get_by_role("button", name="Approve")
    expect(approve).to_be_enabled()
    with usher.away("starter"):
        expect(page.locator("#sources p")).to_contain_text("The starter cannot publish")
        expect(approve).to_be_disabled()
        mark(page, "on", "^Live$")
    expect(approve).to_be_enabled()
    approve.click()
    assert usher.notice(waiting)["output"]["decision"] == "approved"
    is_live(page)


def test_with_the_notifiers_sidecar_away_notices_have_their_age(
    usher: Driver, watcher: Watcher
) -> None:
    page = watcher.open()
    with usher.away("notifier-daprd"):
        said = page.locator("#sources p", has_text="sidecar does not deliver")
        expect(said).to_have_text(re.compile(f"notices and dead letters are shown as of {TIME}"))
        mark(page, "stale", "Not live")
        assert not RAW.search(page.locator("body").inner_text())
    is_live(page)


def test_with_the_store_away_the_page_says_so_and_comes_back(
    usher: Driver, watcher: Watcher
) -> None:
    instance = fresh("hello")
    usher.request("hello_workflow", instance_id=instance, input="Ada")
    usher.notice(instance)
    page, other = watcher.open(), watcher.open()
    with usher.away("redis"):
        mark(page, "lost", f"^Reconnecting… Shown as of {TIME}$")
        expect(page.locator("#sources")).to_contain_text("The notifier's store does not answer")
        expect(page.locator("#feed")).to_contain_text(instance)
        other.goto("/")
        expect(other.locator("h1")).to_have_text("Nothing can be shown")
        assert not RAW.search(other.locator("body").inner_text())
    is_live(page)
    expect(other.locator("#feed")).to_contain_text(instance)


def test_a_letter_put_aside_again_stands_where_its_time_says(
    usher: Driver, watcher: Watcher
) -> None:
    """First and last time are both there, and the newest is at the top."""
    first, second = fresh("first"), fresh("second")
    for instance in (first, second):
        usher.post(f"/instances/{instance}/events/e", json={}, params={"ttl_seconds": 0})
        usher.dead_letter(instance)
    page = watcher.open("/?reason=unknown_instance")
    rows = page.locator("#feed .row.letter")
    expect(rows.first).to_contain_text(second)
    again = rows.filter(has_text=first)
    again.get_by_role("button", name="Send again").click()
    eventually(lambda: usher.dead_letter(first)["attempts"], (2).__eq__)
    expect(rows.first).to_contain_text(first)
    expect(rows.first.locator(".when")).to_contain_text("2 times, first ")
    letters = usher.dead_letters(reason="unknown_instance")
    assert first in str(letters[0]["event"])
    assert letters[0]["first_seen"] < letters[0]["last_seen"]
    seen = [one["last_seen"] for one in letters]
    assert seen == sorted(seen, reverse=True)
