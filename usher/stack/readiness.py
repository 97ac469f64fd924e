"""Asks one process of the stack whether it is ready."""

from usher.stack.processes import ProcessSpec

_SECONDS = 2


def is_ready(spec: ProcessSpec, redis_password: str = "") -> bool:
    """What `spec.ready` says, asked once, answered within 2 s."""
    if spec.ready is None:
        return True
    if spec.ready.startswith("redis://"):
        return _pings(spec.ready, redis_password)
    return _answers(spec.ready)


def _pings(url: str, password: str) -> bool:
    import redis  # here and below: slow to import, and `usher logs` and `down` ask nobody

    # Named, `default` may show a password also where none is wanted.
    login = {"username": "default", "password": password} if password else {}
    with redis.Redis.from_url(url, socket_timeout=_SECONDS, **login) as client:
        try:
            return bool(client.ping())
        except redis.RedisError:  # also while it loads its data
            return False


def _answers(url: str) -> bool:
    import httpx

    try:
        # No proxy of the environment's: everything is on this machine.
        return httpx.get(url, timeout=_SECONDS, trust_env=False, verify=False).is_success
    except httpx.TransportError:
        return False
