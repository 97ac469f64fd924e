"""Routes on the page: the route an instance came by, and events that none was for, explained."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.browser import NARROW, WIDE, Watcher, faults
from tests.support.driver import Driver, fresh


def lost(usher: Driver) -> str:
    """Publish an event of a type that no route looks for; return its id."""
    event_id = fresh("lost")
    usher.cloudevent("orders", event_id, {}, type="com.acme.order.returned", source="/shop")
    return event_id


def row(page: Page, event_id: str) -> Locator:
    return page.locator("#unrouted .row", has_text=event_id)


def test_an_instance_shows_the_route_that_it_came_by(usher: Driver, watcher: Watcher) -> None:
    order_id = fresh("order")
    data = {"order_id": order_id}
    usher.cloudevent("orders", fresh("placed"), data, type="com.acme.order.placed", source="/shop")
    instance = f"shop_order-{order_id}"
    usher.running(instance)
    page = watcher.open(f"/instances/{instance}")
    expect(page.locator("#facts")).to_contain_text("started by route shop_order/start")
    request = page.locator("#timeline tr", has_text="Request")
    expect(request).to_contain_text("by route shop_order/start")
    page.get_by_role("link", name="shop_order/start").press("Enter")
    served = page.locator("#routes .row", has_text="shop_order/start")
    expect(served).to_be_in_viewport()
    expect(served).to_contain_text(re.compile(r"orders\s+starts\s+shop_order"))
    expect(served).to_contain_text(re.compile(r"[1-9]\d* matched, last at"))


def test_an_event_without_a_route_is_explained_by_one_key(usher: Driver, watcher: Watcher) -> None:
    page = watcher.open("/routes")
    first, visit = lost(usher), fresh("visit")
    usher.cloudevent("visits", visit, {"country": "FR"}, type="com.acme.visit", source="/shop")
    expect(row(page, first)).to_contain_text("com.acme.order.returned")
    fold = row(page, first).locator("details")
    fold.locator("summary").press("Enter")
    expect(fold).to_contain_text("shop_order/start: it looks for type com.acme.order.placed")
    expect(fold).to_contain_text("shop_order/cancel: it looks for type com.acme.order.cancelled")
    expect(fold).not_to_contain_text("shop_cart")
    second = lost(usher)  # the page changes, and what is open stays open
    expect(row(page, second)).to_have_count(1)
    expect(fold).to_have_attribute("open", "")
    row(page, visit).locator("summary").click()
    expect(row(page, visit)).to_contain_text("shop_visit/start: its condition is false")
    total = page.locator("#unrouted .total")
    expect(total).to_contain_text("since the orchestrator started")
    page.get_by_role("link", name="Live").click()
    tile = page.locator("#counts [data-key=unrouted]")
    expect(tile).not_to_have_text(re.compile("^(–|0)"))  # noqa: RUF001  # as the page has it
    tile.get_by_role("link").press("Enter")
    expect(page.get_by_role("heading", name="Routes", exact=True)).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [NARROW, WIDE])
def test_axe_finds_nothing_serious_and_nothing_is_wider_than_the_screen(
    usher: Driver, watcher: Watcher, width: int, scheme: str
) -> None:
    event_id, long = lost(usher), fresh("long")
    much = {"type": "y" * 500, "source": "/shop/" + "z" * 500}
    usher.cloudevent("orders", long + "x" * 900, {}, **much)
    page = watcher.open("/routes", width, scheme)
    for one in (event_id, long):
        row(page, one).locator("summary").click()
    expect(page.locator("#routes .row")).not_to_have_count(0)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert faults(page) == []


def test_with_the_orchestrator_away_the_routes_have_their_age(
    usher: Driver, watcher: Watcher
) -> None:
    event_id = lost(usher)
    page = watcher.open("/routes")
    expect(row(page, event_id)).to_have_count(1)
    with usher.away("orchestrator"):
        said = page.locator("#sources p")
        words = r"The orchestrator does not answer; routes and unrouted events are shown as of \d\d"
        expect(said).to_have_text(re.compile(words))
        expect(page.locator("#connection")).to_have_attribute("data-state", "stale")
        expect(row(page, event_id)).to_have_count(1)
    expect(page.locator("#connection")).to_have_attribute("data-state", "on")
    # The orchestrator counts from its start.
    expect(page.locator("#unrouted .empty")).to_contain_text("None. Each event")
