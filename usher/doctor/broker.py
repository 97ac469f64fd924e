"""Checks of the pub/sub components: what is not acknowledged comes back, nothing is cut off."""

from collections.abc import Iterable, Iterator

from contracts.brokers import KAFKA, REDIS
from contracts.finding import Finding, refusal, warning
from contracts.topics import PUBSUB, PUBSUB_ORDERED
from usher.doctor.durations import seconds
from usher.doctor.kafka import kafka
from usher.doctor.resources import Resource, of_type

SLOW = 60
"""Seconds after which a sidecar's death is noticed for long."""


def brokers(resources: Iterable[Resource], call_timeout: float) -> Iterator[Finding]:
    """Check every pub/sub component; `call_timeout` is the longest the orchestrator takes."""
    found = of_type(resources, "pubsub.")
    for name in sorted({PUBSUB, PUBSUB_ORDERED} - {one.name for one in found}):
        yield refusal("the component files", f"no component {name!r}", "have one", "P2")
    for one in found:
        if one.name == PUBSUB_ORDERED and one.option("concurrency") not in (None, "1"):
            right = '"1": more at a time reach an instance in any order'
            wrong = f"{one.option('concurrency')}"
            yield warning(one.field("concurrency"), wrong, right, "P3")
        if one.spec.get("type") == REDIS:
            yield from _redelivery(one, call_timeout)
            yield from _trimming(one)
        elif one.spec.get("type") == KAFKA:
            yield from kafka(one)


def _redelivery(one: Resource, call_timeout: float) -> Iterator[Finding]:
    interval = one.option("redeliverInterval")
    if interval is not None and not interval.isdecimal():
        wrong = f"{interval!r} is silently ignored: it is read as bare milliseconds only"
        yield refusal(one.field("redeliverInterval"), wrong, '"3000" for 3 s', "P7")
    elif interval == "0":
        wrong = "0: what was not acknowledged never comes back"
        yield refusal(one.field("redeliverInterval"), wrong, '"3000" for 3 s', "P2")
    timeout = seconds(one.option("processingTimeout") or "60s")
    where = one.field("processingTimeout")
    if timeout is None:
        wrong = f"{one.option('processingTimeout')!r} is no duration"
        yield refusal(where, wrong, 'write "10s"', "P7")
    elif timeout == 0:
        wrong = "0: what was not acknowledged never comes back"
        yield refusal(where, wrong, '"10s"', "P2")
    elif timeout <= call_timeout:
        wrong = f"{timeout:g} s, but one call of the orchestrator may take {call_timeout:g} s"
        right = "more than ORCHESTRATOR_CALL_TIMEOUT_SECONDS: a handler is cut off in mid-call"
        yield warning(where, wrong, right, "P7")
    elif timeout > SLOW:
        wrong = f"{timeout:g} s: what a dead sidecar held waits as long"
        yield warning(where, wrong, '"10s"', "P7")


def _trimming(one: Resource) -> Iterator[Finding]:
    right = "leave it out: the notifier trims what every group has acknowledged"
    for name, unset in (("maxLenApprox", ("", "0")), ("streamTTL", ("", "0", "0s"))):
        value = one.option(name)
        if value is not None and value not in unset:
            wrong = f"{value} cuts off entries that no group has acknowledged yet"
            yield refusal(one.field(name), wrong, right, "P2")
