"""Checks of Redis itself: what it acknowledged is on disk, and nothing is evicted."""

from collections.abc import Iterator, Mapping

from contracts.finding import Finding, refusal, warning


def redis_config(config: Mapping[str, str]) -> Iterator[Finding]:
    """Check what CONFIG GET says."""
    if config.get("appendonly") != "yes":
        wrong = "off: what was accepted since the last snapshot dies with Redis"
        yield refusal("Redis: appendonly", wrong, "yes", "P2")
    elif config.get("appendfsync") == "no":
        wrong = "no: a power loss takes what the kernel had not written, some 30 s"
        yield warning("Redis: appendfsync", wrong, "everysec, or always", "P2")
    policy = config.get("maxmemory-policy", "noeviction")
    if config.get("maxmemory", "0") != "0" and policy != "noeviction":
        wrong = f"{policy}: a full Redis drops records of the ledger, or streams"
        yield refusal("Redis: maxmemory-policy", wrong, "noeviction", "P1, P2")
