"""Pytest plugin: a real Chromium, and in it the live page as a person sees it."""

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

from tests.support.driver import Driver

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Names of somebody else's that point at this machine.
    "--host-resolver-rules=MAP *.evil.example 127.0.0.1, MAP evil.example 127.0.0.1",
]
PATIENCE_MS = 20_000
NARROW, WIDE = 320, 1920
BEFORE = datetime(2030, 1, 1, tzinfo=UTC)


def _program(playwright: Playwright) -> str:
    """Return the system's Chromium, else the one that `playwright install` brought."""
    for found in (shutil.which("chromium"), playwright.chromium.executable_path):
        if found and Path(found).exists():
            return found
    pytest.skip("no Chromium: install the package `chromium`, or run `playwright install chromium`")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser for one module, no longer: while Playwright runs, the thread has a running event
    loop, and no other test of this worker could call `asyncio.run`.
    """
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=_program(playwright), args=ARGUMENTS, env=_without_proxy()
        )
        yield browser
        browser.close()


def _without_proxy() -> dict[str, Any]:
    return {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}


class Watcher:
    """Somebody at the page: opens it as they like it, and hears of every error in it."""

    def __init__(self, browser: Browser, usher: Driver) -> None:
        self._browser = browser
        self._usher = usher
        self._contexts: list[BrowserContext] = []
        self.errors: list[str] = []
        """What went wrong in the pages: exceptions, and what the content policy refused."""

    def open(
        self,
        path: str = "/",
        width: int = 1280,
        scheme: Any = "light",
        height: int = 900,
        frozen: bool = False,
    ) -> Page:
        """Open a page of the notifier, live where it is; `frozen` stops its clock from then on."""
        context = self._browser.new_context(
            base_url=self._usher.url("notifier", ""),
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            timezone_id="UTC",
        )
        context.set_default_timeout(PATIENCE_MS)
        self._contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._heard)
        if frozen:
            page.clock.install(time=BEFORE)
        page.goto(path)
        if page.locator("#connection").count():
            expect(page.locator("#connection")).to_have_attribute("data-state", "on")
        if frozen:
            page.clock.pause_at(BEFORE + timedelta(hours=1))
        return page

    def close(self) -> None:
        for context in self._contexts:
            context.close()

    def _heard(self, message: Any) -> None:
        if "Content Security Policy" in message.text:
            self.errors.append(message.text)


def faults(page: Page) -> list[str]:
    """Return what axe finds serious or critical, and how it would be better."""
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {node['html'][:200]} {node['failureSummary']}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]


@pytest.fixture
def watcher(usher: Driver, chromium: Browser) -> Iterator[Watcher]:
    watching = Watcher(chromium, usher)
    yield watching
    watching.close()
    assert watching.errors == []
