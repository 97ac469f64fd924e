"""Says in one line why a Redis does not serve, and which setting to look at."""

from redis import AuthenticationError, RedisError, ResponseError
from redis import TimeoutError as TookTooLong
from redis.exceptions import NoPermissionError

from chassis.redis_settings import RedisAddress

WHERE = "USHER_REDIS_URL or USHER_REDIS_HOST says where it is"
_NO_TLS = "without TLS, USHER_REDIS_URL begins with redis://, or USHER_REDIS_TLS is not set"
_TLS = "with TLS, USHER_REDIS_URL begins with rediss://, or USHER_REDIS_TLS is true"
_CERTIFICATE = "USHER_REDIS_CERT_FILE and USHER_REDIS_KEY_FILE are the client's, if it wants them"
_CLOSED = ("CERTIFICATE_REQUIRED", "EOF", "reset by peer", "closed")
_ALLOWED = "docs/brokers-and-stores.md lists what its user must be allowed to do"


def one_line(error: RedisError, where: RedisAddress) -> str:
    """Return what a Redis does instead of serving, and what to do about it, as one line."""
    does, hint = _what_is_wrong(error, where)
    return f"Redis at {where.url} {does}: {hint}"


def _what_is_wrong(error: RedisError, where: RedisAddress) -> tuple[str, str]:
    """Return what it does, and what to do."""
    said = " ".join(str(error).split()).rstrip(".")
    if isinstance(error, AuthenticationError):
        if not where.password:
            return "wants a password, and none was found", "USHER_REDIS_PASSWORD is its password"
        user = f" for the user {where.username}" if where.username else ""
        login = "USHER_REDIS_USERNAME and USHER_REDIS_PASSWORD, or USHER_REDIS_URL, have the login"
        return f"refuses the password it got{user}", f"{login} ({said})"
    if isinstance(error, NoPermissionError):
        return "does not permit a command", f"{said}: {_ALLOWED}"
    if isinstance(error, ResponseError):
        return "refuses a command", said
    if "CERTIFICATE_VERIFY_FAILED" in said:
        return "has a certificate that is not trusted", (
            f"USHER_REDIS_CA_FILE has the certificate of the authority that signed it ({said})"
        )
    closes = any(
        word in said for word in ("CERTIFICATE_REQUIRED", "EOF", "reset by peer", "closed")
    )
    if closes and where.tls and not where.cert_file:
        return "closes the connection", f"{_CERTIFICATE} ({said})"
    if closes and not where.tls:
        return "closes the connection", f"{WHERE}; {_TLS} ({said})"
    if where.tls and ("SSL" in said or closes or isinstance(error, TookTooLong)):
        return "does not answer over TLS", f"{WHERE}; {_NO_TLS} ({said})"
    return "does not answer", f"{WHERE} ({said})"
