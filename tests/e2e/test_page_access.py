"""The page for everybody: narrow and wide, light and dark, by screen reader; and its pictures."""

import os
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import expect

from tests.support.browser import NARROW, WIDE, Watcher, faults
from tests.support.driver import Driver, fresh
from tests.support.stack import ROOT

IMAGES = ROOT / "docs" / "images"
LARGEST = 200_000


@pytest.fixture(scope="module")
def scene(running_stack: Driver) -> str:
    """Something of everything on the page; returns an instance with a long story."""
    usher = running_stack
    usher.stack.wait_healthy()
    told, order = fresh("order"), fresh("order")
    usher.request("order_workflow", instance_id=told, input={"card": "declined"})
    usher.request("order_workflow", instance_id=order, input={"ship_within_seconds": 600})
    usher.request("fail_workflow", instance_id=fresh("night-job"))
    usher.request("hello_workflow", input={"nmae": "Ada"}, instance_id=fresh("greeting"))
    trip = fresh("trip")
    usher.post(f"/instances/{trip}/events/approval", json={}, params={"ttl_seconds": 0})
    usher.dead_letter(trip)
    usher.request("approval_workflow", instance_id=trip, input={"deadline_seconds": 600})
    usher.event(fresh("order"), "shipped", {"parcel": 17})
    usher.running(trip)
    usher.running(order)
    usher.notice(told)
    return told


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [NARROW, WIDE])
def test_axe_finds_nothing_serious_and_nothing_is_wider_than_the_screen(
    watcher: Watcher, scene: str, width: int, scheme: str
) -> None:
    found: dict[str, list[str]] = {}
    for path in ("/", f"/instances/{scene}", "/start", "/start/order_workflow"):
        page = watcher.open(path, width, scheme)
        for fold in page.locator("#main summary").all()[:3]:
            fold.click()
        if path == "/start/order_workflow":
            page.get_by_label("amount").fill("a lot")
            page.get_by_role("button", name="Start").click()
            expect(page.get_by_role("alert")).to_be_focused()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        found[path] = faults(page)
    assert not any(found.values()), found


def test_a_screen_reader_finds_its_way(watcher: Watcher, scene: str) -> None:
    page = watcher.open(f"/instances/{scene}")
    assert page.locator("html").get_attribute("lang") == "en"
    for landmark in ("banner", "navigation", "main", "contentinfo"):
        expect(page.get_by_role(landmark)).to_have_count(1)
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    heads = page.get_by_role("columnheader").all_inner_texts()
    assert heads == ["Step", "What", "Began", "Took", "State"]
    assert page.get_by_role("rowheader").count() == page.locator("tbody tr").count()
    described = page.locator("#timeline svg > desc").text_content() or ""
    assert "the table below has the same in words" in described


def test_the_news_is_told_in_one_sentence(usher: Driver, watcher: Watcher) -> None:
    page = watcher.open()
    for _ in range(4):
        usher.request("hello_workflow", input="Ada", instance_id=fresh("hello"))
    expect(page.locator("#news")).to_have_text("4 new notices")


def test_pictures_for_the_readme(watcher: Watcher, scene: str, tmp_path: Path) -> None:
    """USHER_REFRESH_IMAGES=1, for this test alone on its fresh stack, writes the committed ones."""
    shots: dict[str, tuple[str, int, Literal["light", "dark"]]] = {
        "page-light": ("/", 1100, "light"),
        "page-dark": ("/", 1100, "dark"),
        "timeline": (f"/instances/{scene}", 1100, "light"),
    }
    for name, (path, width, scheme) in shots.items():
        page = watcher.open(path, width, scheme, 720)
        drawn = "#timeline svg" if name == "timeline" else "#waits .row.marked"
        expect(page.locator(drawn).first).to_be_visible()
        picture = page.screenshot(path=tmp_path / f"{name}.png")
        assert 5_000 < len(picture) < LARGEST
        if os.environ.get("USHER_REFRESH_IMAGES"):
            (IMAGES / f"{name}.png").write_bytes(picture)
        assert (IMAGES / f"{name}.png").stat().st_size < LARGEST
