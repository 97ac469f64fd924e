"""What one does on the page: start, approve, reject, answer, redrive; the starter publishes it."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import Watcher
from tests.support.driver import Driver, eventually, fresh


def approval(usher: Driver) -> str:
    instance = fresh("approval")
    usher.request("approval_workflow", instance_id=instance, input={"deadline_seconds": 600})
    usher.running(instance)
    return instance


def press_tab_until(page: Page, element_id: str) -> None:
    """Reach an element by keyboard alone."""
    for _ in range(400):
        if page.evaluate("document.activeElement.id") == element_id:
            return
        page.keyboard.press("Tab")
    pytest.fail(f"no way leads to {element_id}")


def test_a_form_starts_a_workflow(usher: Driver, watcher: Watcher) -> None:
    instance = fresh("form")
    page = watcher.open("/start")
    page.get_by_role("link", name="order_workflow", exact=True).click()
    expect(page.get_by_label("amount")).to_have_value("999")
    page.get_by_label("item").fill("a bicycle")
    page.get_by_label("card").fill("declined")
    page.get_by_label("Instance id").fill(instance)
    page.get_by_role("button", name="Start").click()
    expect(page).to_have_url(usher.url("notifier", f"/instances/{instance}"))
    expect(page.locator("#facts")).to_contain_text("Completed")
    found = usher.get("orchestrator", f"/instances/{instance}")
    assert found["input"]["item"] == "a bicycle"
    assert found["input"]["amount"] == 999


def test_what_is_wrong_is_said_at_its_field_and_nothing_is_published(
    usher: Driver, watcher: Watcher
) -> None:
    page = watcher.open("/start/order_workflow")
    amount, instance = page.get_by_label("amount"), page.get_by_label("Instance id")
    amount.fill("a lot")
    page.get_by_role("button", name="Start").click()
    expect(amount).to_have_accessible_description("Error: write a number")
    expect(page.get_by_role("alert")).to_be_focused()
    amount.fill("-1")
    page.get_by_role("button", name="Start").click()
    expect(amount).to_have_accessible_description(re.compile("greater than 0"))
    amount.fill("5")
    instance.fill("no such id!")
    page.get_by_role("button", name="Start").click()
    expect(instance).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#instance_id-error")).to_contain_text("pattern")
    expect(amount).to_have_value("5")
    assert not [one for one in usher.dead_letters() if "no such id!" in str(one["event"])]


def test_an_approval_is_given_by_keyboard_alone(usher: Driver, watcher: Watcher) -> None:
    instance = approval(usher)
    page = watcher.open()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    wait = page.locator("#waits .row", has=page.get_by_role("link", name=instance))
    button = wait.get_by_role("button", name="Approve")
    press_tab_until(page, button.get_attribute("id") or "")
    expect(button).to_be_focused()
    outline = button.evaluate("button => getComputedStyle(button).outlineStyle")
    assert outline == "solid"
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_contain_text(f"on its way to {instance}")
    expect(wait).to_have_count(0)
    assert usher.notice(instance)["output"]["decision"] == "approved"
    focused = page.evaluate("document.activeElement.closest('section') !== null")
    assert focused, "focus was lost with the row"


def test_a_rejection_is_given_from_the_instance(usher: Driver, watcher: Watcher) -> None:
    instance = approval(usher)
    page = watcher.open(f"/instances/{instance}")
    page.get_by_role("button", name="Reject").click()
    assert usher.notice(instance)["output"]["decision"] == "rejected"
    expect(page.locator("#facts")).to_contain_text("Completed")


def test_any_event_that_is_waited_for_can_be_sent(usher: Driver, watcher: Watcher) -> None:
    instance = fresh("order")
    usher.request("order_workflow", instance_id=instance, input={"ship_within_seconds": 600})
    page = watcher.open()
    wait = page.locator("#waits .row", has=page.get_by_role("link", name=instance))
    expect(wait.get_by_role("button", name="Approve")).to_have_count(0)
    wait.get_by_text("Send shipped").click()
    wait.get_by_label("The event's data").fill('{"parcel": ')
    wait.get_by_role("button", name="Send").click()
    expect(wait.get_by_role("status")).to_contain_text("Not sent")
    wait.get_by_label("The event's data").fill('{"parcel": 17}')
    wait.get_by_role("button", name="Send").click()
    assert usher.notice(instance)["output"]["shipment"] == {"parcel": 17}


def test_a_wait_whose_event_lies_aside_is_marked_and_a_redrive_ends_it(
    usher: Driver, watcher: Watcher
) -> None:
    instance = fresh("approval")
    path = f"/instances/{instance}/events/approval"
    usher.post(path, json={"approved": True, "by": "Grace"}, params={"ttl_seconds": 0})
    usher.dead_letter(instance)
    page = watcher.open()
    marked = page.locator("#counts li[data-key=marked] b")
    before = int(marked.inner_text())
    usher.request("approval_workflow", instance_id=instance, input={"deadline_seconds": 600})
    wait = page.locator("#waits .row.marked", has=page.get_by_role("link", name=instance))
    expect(wait).to_contain_text("unknown_instance")
    expect(marked).to_have_text(str(before + 1))

    wait.get_by_role("button", name="What would happen?").click()
    expect(wait.get_by_role("status").first).to_contain_text("It would be delivered")
    assert usher.dead_letter(instance)["redriven_at"] is None
    wait.get_by_role("button", name="Send again").click()
    assert usher.notice(instance)["output"]["by"] == "Grace"
    expect(marked).to_have_text(str(before))
    letter = page.locator("#feed .row.letter", has_text=instance)
    expect(letter).to_contain_text("Sent again at")
    assert usher.dead_letter(instance)["redriven_at"]


def test_all_dead_letters_of_a_filter_are_sent_again(usher: Driver, watcher: Watcher) -> None:
    instance = fresh("trip")
    for name in ("one", "two", "three"):
        usher.post(f"/instances/{instance}/events/{name}", json={}, params={"ttl_seconds": 0})
    eventually(lambda: [one for one in usher.dead_letters() if instance in str(one)], ready_3)
    page = watcher.open(f"/?instance={instance}")
    everything = page.get_by_role("form", name="All dead letters of this filter")
    everything.get_by_role("button", name="What would happen?").click()
    told = everything.get_by_role("status")
    expect(told).to_contain_text("3 would be sent again: 3 dead-lettered")
    usher.request("approval_workflow", instance_id=instance, input={"deadline_seconds": 600})
    usher.running(instance)
    everything.get_by_role("button", name="Send all again").click()
    expect(page.locator("#said")).to_contain_text("3 sent again.")
    expect(page.locator("#feed").get_by_text("Sent again at")).to_have_count(3)
    expect(everything).to_have_count(0)


def ready_3(found: list[Any]) -> bool:
    return len(found) == 3


def test_a_parked_event_for_almost_the_same_id_marks_the_wait(
    usher: Driver, watcher: Watcher
) -> None:
    instance = approval(usher)
    usher.event(instance.upper(), "approval", {"approved": True})
    page = watcher.open()
    wait = page.locator("#waits .row.marked", has=page.get_by_role("link", name=instance))
    expect(wait).to_contain_text(f"is parked, for {instance.upper()}")


def test_another_site_cannot_act_through_the_page(usher: Driver, watcher: Watcher) -> None:
    """The starter's own pages are another origin: a browser lets them post, the notifier does not
    listen."""
    instance = approval(usher)
    page = watcher.open()
    page.goto(usher.url("starter", "/healthz"))
    path = f"/instances/{instance}/events/approval"
    body = "data=" + '{"approved": true}'
    page.evaluate(
        "([url, body]) => fetch(url, {method: 'POST', mode: 'no-cors', body})",
        [usher.url("notifier", path), body],
    )
    url = usher.url("notifier", path)
    for headers in ({"origin": "http://elsewhere.example"}, {"sec-fetch-site": "cross-site"}):
        assert usher.http.post(url, content=body, headers=headers).status_code == 403
    assert usher.status(instance) == "RUNNING"
    assert usher.http.post(url, content=body).status_code == 200
    assert usher.notice(instance)["output"]["decision"] == "approved"
