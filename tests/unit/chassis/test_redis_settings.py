"""Where Redis is: by a URL, or by the variables of the components; and what is wrong is named."""

from pathlib import Path

import pytest
from pydantic import ValidationError
from redis import AuthenticationError, RedisError, ResponseError
from redis import ConnectionError as NoConnection
from redis import TimeoutError as TookTooLong
from redis.exceptions import NoPermissionError

from chassis.redis_faults import one_line
from chassis.redis_settings import RedisAddress, RedisSettings


def read(monkeypatch: pytest.MonkeyPatch, **variables: str) -> RedisAddress | None:
    for name, value in variables.items():
        monkeypatch.setenv(f"USHER_REDIS_{name}", value)
    return RedisSettings().redis


def test_a_url_says_all(monkeypatch: pytest.MonkeyPatch) -> None:
    found = read(monkeypatch, URL="rediss://ann:p%40ss@db.example:7000/3")
    assert found == RedisAddress("db.example", 7000, 3, "ann", "p@ss", tls=True)
    assert found.url == "rediss://db.example:7000/3"
    assert "p@ss" not in repr(found)
    assert "p@ss" not in repr(RedisSettings())


def test_the_parts_say_the_same_and_complete_a_url(monkeypatch: pytest.MonkeyPatch) -> None:
    login = {"USERNAME": "ann", "PASSWORD": "p@ss", "TLS": "true", "DB": "3"}
    found = read(monkeypatch, HOST="db.example:7000", **login)
    assert found == RedisAddress("db.example", 7000, 3, "ann", "p@ss", tls=True)
    found = read(monkeypatch, URL="redis://elsewhere")
    assert found == RedisAddress("elsewhere", username="ann", password="p@ss")


def test_the_variables_lead_to_the_same_address(monkeypatch: pytest.MonkeyPatch) -> None:
    where = RedisAddress("::1", 7000, 3, "ann", "", True, *[Path(__file__)] * 3)
    for name, value in where.variables().items():
        monkeypatch.setenv(name, value)
    assert RedisSettings().redis == where


def test_nothing_is_said_where_nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(monkeypatch, PASSWORD="p") is None


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"URL": "http://x"}, "USHER_REDIS_URL must begin with redis:// or rediss://"),
        ({"URL": "redis://:6379"}, "USHER_REDIS_URL is not like"),
        ({"URL": "redis://x/first"}, "USHER_REDIS_URL is not like"),
        ({"HOST": "x:port"}, "USHER_REDIS_HOST is not like host:6379"),
        ({"TLS": "perhaps"}, "USHER_REDIS_TLS"),
        ({"CERT_FILE": __file__}, "USHER_REDIS_CERT_FILE and USHER_REDIS_KEY_FILE need each"),
        ({"CA_FILE": "/no/such/file"}, "USHER_REDIS_CA_FILE: /no/such/file is not a file"),
    ],
)
def test_what_cannot_be_read_is_named(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], named: str
) -> None:
    with pytest.raises(ValidationError, match=named):
        read(monkeypatch, **variables)


PLAIN = RedisAddress("db", password="p")
TLS = RedisAddress("db", username="ann", password="p", tls=True)


@pytest.mark.parametrize(
    ("error", "where", "said"),
    [
        (
            AuthenticationError("invalid"),
            TLS,
            "refuses the password it got for the user ann: USHER",
        ),
        (AuthenticationError("NOAUTH"), RedisAddress("db"), "wants a password, and none was found"),
        (NoPermissionError("no xadd"), PLAIN, "does not permit a command: no xadd: docs/brokers"),
        (ResponseError("MISCONF disk"), PLAIN, "refuses a command: MISCONF disk"),
        (NoConnection("CERTIFICATE_VERIFY_FAILED"), TLS, "not trusted: USHER_REDIS_CA_FILE"),
        (NoConnection("ALERT_CERTIFICATE_REQUIRED"), TLS, "connection: USHER_REDIS_CERT_FILE and"),
        (NoConnection("EOF occurred in violation"), TLS, "connection: USHER_REDIS_CERT_FILE and"),
        (TookTooLong("Timeout"), TLS, "does not answer over TLS"),
        (NoConnection("(104, 'Connection reset by peer')"), PLAIN, "with TLS, USHER_REDIS_URL"),
        (NoConnection("refused\nagain"), PLAIN, "does not answer: USHER_REDIS_URL or"),
    ],
)
def test_a_fault_is_one_line_that_names_a_setting(
    error: RedisError, where: RedisAddress, said: str
) -> None:
    told = one_line(error, where)
    assert told.startswith(f"Redis at {where.url} ")
    assert said in told
    assert "\n" not in told
