"""Checks whether one process of the stack is ready."""

from pathlib import Path

from contracts.brokers import BrokerNames
from usher.stack import kafka, postgres
from usher.stack.spec import ProcessSpec

_SECONDS = 2


def is_ready(spec: ProcessSpec, redis_password: str = "") -> bool:
    """Check `spec.ready` once, within 2 s."""
    if spec.ready is None:
        return True
    if spec.ready.startswith("redis://"):
        return _pings(spec.ready, redis_password)
    if spec.ready.startswith("postgres://"):
        return postgres.accepts(Path(spec.ready.removeprefix("postgres://")), _SECONDS)
    if spec.ready.startswith("kafka://"):
        where, _, prefix = spec.ready.removeprefix("kafka://").partition("/")
        return kafka.is_ready(where, BrokerNames(prefix), _SECONDS)
    return _answers(spec.ready)


def _pings(url: str, password: str) -> bool:
    import redis  # slow to import, like httpx below, and `usher logs` and `down` need neither

    # With a user name, Redis accepts a password even if none is set.
    login = {"username": "default", "password": password} if password else {}
    with redis.Redis.from_url(url, socket_timeout=_SECONDS, **login) as client:
        try:
            return bool(client.ping())
        except redis.RedisError:  # also while Redis loads its data
            return False


def _answers(url: str) -> bool:
    import httpx

    try:
        # No proxy from the environment: everything is on this machine.
        return httpx.get(url, timeout=_SECONDS, trust_env=False, verify=False).is_success
    except httpx.TransportError:
        return False
