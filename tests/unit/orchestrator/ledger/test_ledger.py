"""The ledger: what is final stays, what is taken stays taken, and each fence opens once."""

from typing import Any

import pytest

from contracts import identity, redrive
from contracts.cloudevent import CloudEvent
from contracts.topics import Topic
from orchestrator.intake.arrival import arrive
from orchestrator.ledger.ledger import Ledger, entry_at
from orchestrator.ledger.records import Disposition, Ended, Entry, Holder
from orchestrator.ledger.store import Busy
from tests.support.at_once import at_once
from tests.support.memory import MemoryStore

EVENT = CloudEvent("e-1", "/test", "t", b"{}")


def ledger() -> Ledger:
    return Ledger(MemoryStore())


def entry(disposition: Disposition = Disposition.CLAIMED, **more: Any) -> Entry:
    return arrive(Topic.EVENTS, EVENT).entry(disposition, **more)


async def found(book: Ledger) -> Entry:
    held = await book.find(EVENT.source, EVENT.id)
    assert held
    return held


async def test_an_event_is_entered_once_and_found_by_source_and_id() -> None:
    book = ledger()
    first = entry(token="a", instance_id="i-1")
    assert await book.create(first) == first
    assert await book.create(entry(token="b")) == first
    assert await found(book) == first
    assert await book.find("/elsewhere", EVENT.id) is None


@pytest.mark.parametrize("final", [d for d in Disposition if d not in ("claimed", "parked")])
async def test_what_is_final_stays_as_it_is(final: Disposition) -> None:
    book = ledger()
    await book.settle(entry(final, letters=1))
    await book.settle(entry(Disposition.EXPIRED, letters=1))
    await book.reenter(entry(Disposition.PARKED))
    assert (await found(book)).disposition is final


async def test_what_was_dead_lettered_once_more_is_written_down() -> None:
    book = ledger()
    await book.settle(entry(Disposition.DEAD_LETTERED, letters=1))
    await book.settle(entry(Disposition.DEAD_LETTERED, letters=2))
    assert (await found(book)).letters == 2


async def test_an_event_that_is_parked_keeps_its_place_until_it_is_settled() -> None:
    book = ledger()
    await book.create(entry())
    parked, again = (
        entry(Disposition.PARKED).model_copy(update={"event": {"sequence": n}}) for n in ("1", "2")
    )
    await book.reenter(parked)
    await book.reenter(again)
    assert (await found(book)).event == {"sequence": "1"}
    await book.settle(entry(Disposition.DELIVERED))
    assert ((await found(book)).disposition, (await found(book)).event) == (
        Disposition.DELIVERED,
        None,
    )


async def test_duplicates_are_counted_and_survive_what_is_written_later() -> None:
    book = ledger()
    await book.create(entry())
    for _ in range(3):
        await book.count_duplicate(entry().key)
    await book.settle(entry(Disposition.STARTED))
    assert (await found(book)).duplicates == 3


async def test_a_change_that_was_overtaken_is_made_upon_what_is_there_now() -> None:
    book = ledger()
    await book.create(entry())
    once = [True]

    def change(held: Entry) -> Entry:
        if once and once.pop():
            at_once(book.count_duplicate)(held.key)
        return held.model_copy(update={"duplicates": held.duplicates + 10})

    await book.change(entry().key, change)
    assert (await found(book)).duplicates == 11


async def test_of_two_that_take_an_event_over_at_once_one_is_to_come_again() -> None:
    book = ledger()
    held = await book.create(entry(Disposition.DEAD_LETTERED))
    reopened = held.model_copy(update={"disposition": Disposition.CLAIMED})
    assert (await book.take_over(held, reopened)).attempt == 2
    with pytest.raises(Busy, match="taken over by another"):
        await book.take_over(held, reopened)


async def test_what_was_read_and_has_changed_since_is_read_again() -> None:
    store = MemoryStore()
    book = Ledger(store)
    held = await book.create(entry())
    read = await store.read_many([entry_at(held.key)])
    await book.count_duplicate(held.key)
    await book.settle(entry(Disposition.STARTED), read)
    settled = await found(book)
    assert (settled.disposition, settled.duplicates) == (Disposition.STARTED, 1)


async def test_an_instance_id_is_taken_once() -> None:
    book = ledger()
    mine, yours = Holder(key="a", digest="1"), Holder(key="b", digest="2")
    assert await book.holder("i-1") is None
    assert [
        await book.take("i-1", mine),
        await book.take("i-1", yours),
        await book.holder("i-1"),
    ] == [mine] * 3


async def test_an_id_that_was_derived_from_an_event_is_held_by_that_event() -> None:
    book = ledger()
    held = entry(digest="1")
    derived = f"hello_workflow-{identity.DERIVED_MARK}{held.key}"
    assert await book.holder(derived) is None
    await book.create(held.model_copy(update={"instance_id": derived}))
    assert await book.take(derived, Holder(key="b", digest="2")) == Holder(key=held.key, digest="1")
    assert await book.holder(f"pay-{derived}") is None


async def test_the_first_ending_of_a_run_stays() -> None:
    book = ledger()
    await book.end("i-1", Ended(key="a", outcome="COMPLETED", seen=["x"]))
    await book.end("i-1", Ended(key="a", outcome="TERMINATED"))
    assert await book.ended("i-1") == Ended(key="a", outcome="COMPLETED", seen=["x"])
    assert await book.not_ended(["i-0", "i-1", "i-2"]) == ["i-0", "i-2"]


async def test_one_attempt_of_a_start_may_run_and_may_ask_again() -> None:
    book = ledger()
    asked = [await book.may_run("a", attempt) for attempt in (2, 1, 2, 3)]
    assert asked == [True, False, True, False]
    assert await book.may_run("b", 1)


@pytest.mark.parametrize(
    ("disposition", "letters", "asked", "reopened"),
    [
        (Disposition.DEAD_LETTERED, 1, "1", True),
        (Disposition.DEAD_LETTERED, 2, 2, True),
        (Disposition.DEAD_LETTERED, 2, "1", False),
        (Disposition.DEAD_LETTERED, 1, None, False),
        (Disposition.STARTED, 1, "1", False),
        (Disposition.CLAIMED, 1, "1", False),
    ],
)
def test_a_dead_letter_is_reopened_by_its_own_redrive_alone(
    disposition: Disposition, letters: int, asked: Any, reopened: bool
) -> None:
    attributes = {} if asked is None else {redrive.EXTENSION: asked}
    redriven = CloudEvent("e-1", "/test", "t", b"{}", attributes=attributes)
    assert entry(disposition, letters=letters).reopened_by(redriven) is reopened
