"""The page of channels and messages in a real browser: drawn without a network, for everybody."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect

from tests.support.browser import NARROW, WIDE, Watcher, faults
from tests.support.driver import Driver


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [NARROW, WIDE])
def test_axe_finds_nothing_serious_and_nothing_is_wider_than_the_screen(
    usher: Driver, watcher: Watcher, width: int, scheme: str
) -> None:
    page = watcher.open(usher.url("starter", "/asyncapi"), width, scheme)
    for fold in page.locator("section:has(#channel-orders) summary").all():
        fold.click()
    expect(page.get_by_text("com.acme.order.held").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert faults(page) == []


def test_it_asks_nobody_but_the_starter(usher: Driver, chromium: Browser) -> None:
    asked: list[str] = []
    wrong: list[str] = []
    with chromium.new_context() as context:
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
        page.goto(usher.url("starter", "/asyncapi"))
        expect(page.get_by_role("heading", name="workflow-requests")).to_be_visible()
        colour = page.locator("body").evaluate("body => getComputedStyle(body).backgroundColor")
        assert colour == "rgb(244, 245, 247)"  # the style sheet passed the page's own policy
    assert {urlsplit(url).hostname for url in asked if not url.startswith("data:")} == {"127.0.0.1"}
    assert wrong == []


def test_a_keyboard_reaches_a_channel_and_opens_a_message(usher: Driver, watcher: Watcher) -> None:
    page = watcher.open(usher.url("starter", "/asyncapi"))
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    page.get_by_role("link", name="orders", exact=True).press("Enter")
    expect(page.get_by_role("heading", name="orders", exact=True)).to_be_in_viewport()
    message = page.locator("#channel-orders ~ details", has_text="com.acme.order.placed")
    page.keyboard.press("Tab")
    expect(page.locator("section:has(#channel-orders) summary").first).to_be_focused()
    message.locator("summary").press("Enter")
    link = message.get_by_role("link", name="shop_order.data")
    link.press("Enter")
    expect(page.get_by_role("heading", name="shop_order.data")).to_be_in_viewport()
