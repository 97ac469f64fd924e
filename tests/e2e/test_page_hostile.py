"""The live page in a browser while the topics to the notifier hold what is no message of ours."""

import json

from playwright.sync_api import expect

from tests.support.browser import Watcher
from tests.support.driver import Driver, fresh


def test_what_is_no_message_is_shown_escaped_and_stops_no_row(
    usher: Driver, watcher: Watcher
) -> None:
    page, mark, instance = watcher.open(), fresh("mark"), fresh("hello")
    hostile = f"{mark} <script>window.stolen = 1</script> \x1b[2J \u202egnp.exe"
    stored = fresh("stored")
    with usher.redis() as redis:
        for topic in ("workflow-dead-letters", "workflow-completions"):
            for entry in (hostile, json.dumps([hostile]), "x" * 10_000_000, ""):
                redis.xadd(topic, {"data": entry})
        redis.hset("usher:dead-letters", stored, "no JSON")
        redis.zadd("usher:dead-letters:order", {stored: 4e9})
    usher.request("hello_workflow", input="Ada", instance_id=instance)
    expect(page.locator("#feed .row", has_text=instance)).to_contain_text("Hello, Ada!")
    letters = page.locator("#feed .row.letter", has_text=mark).filter(has_text="undeliverable")
    expect(letters).to_have_count(2)  # the others are of the other topic
    page.reload()
    expect(page.locator(f'#feed [data-key="{stored}"]')).to_contain_text("cannot be read")
    letters.first.locator("summary").click()
    expect(letters.first.locator("pre")).to_contain_text("\\u001b[2J \\u202egnp.exe")
    assert page.evaluate("window.stolen") is None
    with usher.redis() as redis:
        redis.zrem("usher:dead-letters:order", stored)
        redis.hdel("usher:dead-letters", stored)
