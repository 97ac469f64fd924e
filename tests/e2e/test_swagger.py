"""Swagger UI in a real browser: it is drawn, and asks nobody but the service."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect

from tests.support.driver import Driver


@pytest.mark.parametrize("service", ["starter", "orchestrator", "notifier"])
def test_swagger_ui_is_drawn_without_a_network(
    usher: Driver, chromium: Browser, service: str
) -> None:
    asked: list[str] = []
    refused: list[str] = []
    with chromium.new_context() as context:
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: refused.append(str(error)))
        page.on("console", lambda said: refused.append(said.text) if said.type == "error" else None)
        page.goto(usher.url(service, "/docs"))
        expect(page.locator(".opblock-summary").first).to_be_visible()
        expect(page.locator("h1, h2.title").first).to_contain_text("Usher")
    hosts = {urlsplit(url).hostname for url in asked if not url.startswith("data:")}
    assert hosts == {"127.0.0.1"}
    assert refused == []


def test_a_request_can_be_tried_out_there(usher: Driver, chromium: Browser) -> None:
    with chromium.new_context() as context:
        page = context.new_page()
        page.goto(usher.url("starter", "/docs"))
        block = page.locator(".opblock", has_text="/start/{user_name}").first
        block.locator(".opblock-summary").click()
        block.get_by_role("button", name="Try it out").click()
        block.locator("input").first.fill("Ada")
        block.get_by_role("button", name="Execute").click()
        answered = block.locator(".live-responses-table tbody .response-col_status")
        expect(answered.first).to_contain_text("202")
