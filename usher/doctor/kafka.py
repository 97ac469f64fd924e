"""Checks of Kafka components: nothing is skipped, nothing blocks a partition."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from contracts.finding import Finding, refusal, warning
from usher.doctor.resources import Resource

_TRUE = ("y", "yes", "true", "t", "on", "1")
"""What daprd reads as true, in any case. Anything else is false."""


@dataclass(frozen=True)
class Rule:
    """One setting of a component that must hold. Names are not case-sensitive, unless `exact`."""

    option: str
    holds: Callable[[str | None], bool]
    """Given the value, or None where the file does not set it."""
    unset: str
    """What is wrong where the file does not set it."""
    wrong: str
    """What is wrong with any other value."""
    right: str
    breaks: str
    exact: bool = False


def _is(*wanted: str) -> Callable[[str | None], bool]:
    return lambda value: value is not None and value.strip().lower() in wanted


def _unset_or(*wanted: str) -> Callable[[str | None], bool]:
    return lambda value: value is None or value.strip().lower() in wanted


RULES = (
    Rule(
        "initialOffset",
        _is("oldest"),
        "it is not set, so newest: what was accepted before the first start is never served",
        "what was accepted before the first start is never served",
        "oldest",
        "P2",
        exact=True,
    ),
    Rule(
        "escapeHeaders",
        _is(*_TRUE),
        "it is not set, so false: one record with a binary key or a header that is not ASCII "
        "never arrives, and blocks its partition for good",
        "one record with a binary key or a header that is not ASCII never arrives, and blocks its "
        "partition for good",
        '"true"',
        "P2, P7",
    ),
    Rule(
        "producerRequiredAcks",
        _unset_or("", "all"),
        "",
        "an event is accepted before each replica in sync has it, so a broker that dies takes it",
        "all, or leave it out",
        "P2",
    ),
    Rule(
        "consumeRetryEnabled",
        _unset_or(*_TRUE),
        "",
        "an event that cannot be served now is skipped",
        '"true", or leave it out',
        "P2, P7",
    ),
    Rule(
        "backOffMaxRetries",
        _unset_or("-1"),
        "",
        "an event that cannot be served now is skipped after so many retries",
        '"-1", or leave it out',
        "P2, P7",
    ),
)


def kafka(one: Resource) -> Iterator[Finding]:
    """Check one component."""
    for rule in RULES:
        where, value = one.field(rule.option), one.option(rule.option)
        if (source := one.referenced(rule.option)) is not None:
            wrong = f"its value comes from {source}, so nobody checked it"
            yield warning(where, wrong, rule.right, rule.breaks)
        elif rule.exact and value is not None and rule.option not in one.option_names():
            wrong = "its name is in another case, which daprd ignores without a word"
            yield refusal(where, wrong, f"{rule.option}: {rule.right}", rule.breaks)
        elif not rule.holds(value):
            wrong = rule.unset if value is None else f"{value!r}: {rule.wrong}"
            yield refusal(where, wrong, rule.right, rule.breaks)
    if not (one.option("authType") or one.option("authRequired")):
        wrong = "it is not set, and daprd does not load the component without it"
        yield refusal(one.field("authType"), wrong, "none, password, mtls, oidc or awsiam", "P2")
