"""A Redis that the stack does not run itself, but uses: it must answer, and is never emptied."""

from usher.stack.errors import StackError
from usher.stack.settings import StackSettings


def refuse_unusable_redis(settings: StackSettings, fresh: bool) -> None:
    """Raise StackError if the Redis that the settings name cannot be used, or would be emptied."""
    address = settings.redis
    if address is None or not settings.needs_redis:
        return
    if fresh:
        raise StackError(
            f"--fresh does not empty the Redis at {address.url}, which the stack does not run: "
            "empty it yourself, or unset USHER_REDIS_URL and USHER_REDIS_HOST"
        )
    # Slow to import, and `usher logs` and `down` need neither.
    from redis import Redis, RedisError

    from chassis.redis_faults import one_line

    try:
        with Redis(**address.probe_options(), socket_timeout=5) as client:
            client.ping()
    except RedisError as error:
        raise StackError(one_line(error, address)) from error
