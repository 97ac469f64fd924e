"""Where Redis is and how to log in to it: one URL, or the variables that the components read."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote, urlsplit

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

SCHEMES = {"redis": False, "rediss": True}
"""Whether TLS is spoken, by the scheme of a URL."""


@dataclass(frozen=True)
class RedisAddress:
    """One Redis, and the login to it."""

    host: str
    port: int = 6379
    db: int = 0
    username: str = ""
    password: str = field(default="", repr=False)
    tls: bool = False
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None

    @property
    def netloc(self) -> str:
        """Host and port, as the components take them."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """The URL without the login, which may be shown."""
        return f"redis{'s' if self.tls else ''}://{self.netloc}/{self.db}"

    def variables(self) -> dict[str, str]:
        """Return the variables by which the components, and other programs, read the same.

        Without the password, which is a secret.
        """
        found = {
            "USHER_REDIS_HOST": self.netloc,
            "USHER_REDIS_USERNAME": self.username,
            "USHER_REDIS_TLS": "true" if self.tls else "",
            "USHER_REDIS_DB": str(self.db or ""),
            **{f"USHER_REDIS_{name.upper()}": str(file or "") for name, file in self._files()},
        }
        return {name: value for name, value in found.items() if value}

    def _files(self) -> tuple[tuple[str, Path | None], ...]:
        return (
            ("ca_file", self.ca_file),
            ("cert_file", self.cert_file),
            ("key_file", self.key_file),
        )

    def options(self) -> dict[str, Any]:
        """Return the options of a client of the package `redis`."""
        found: dict[str, Any] = {
            "host": self.host,
            "port": self.port,
            "db": self.db,
            "username": self.username or None,
            "password": self.password or None,
        }
        if self.tls:
            ca_file, cert_file, key_file = (str(f) if f else None for _, f in self._files())
            found |= {"ssl": True, "ssl_ca_certs": ca_file}
            found |= {"ssl_certfile": cert_file, "ssl_keyfile": key_file}
        return found

    def probe_options(self) -> dict[str, Any]:
        """Return the options of a client that fails at once, for checks and for commands."""
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        return {**self.options(), "socket_connect_timeout": 5, "retry": Retry(NoBackoff(), 0)}


class RedisSettings(BaseSettings):
    """Settings of a program that reads or writes Redis itself. The URL precedes the others."""

    model_config = SettingsConfigDict(populate_by_name=True, extra="ignore")

    redis_url: str = Field("", validation_alias="USHER_REDIS_URL", repr=False)
    """Such as `rediss://user:password@host:6379/0`; with `rediss`, TLS. Username and password may
    also be in the variables of their own."""
    redis_host: str = Field("", validation_alias="USHER_REDIS_HOST")
    """`host:port`, as the components' `redisHost`."""
    redis_username: str = Field("", validation_alias="USHER_REDIS_USERNAME")
    redis_password: str = Field("", validation_alias="USHER_REDIS_PASSWORD", repr=False)
    redis_tls: bool = Field(False, validation_alias="USHER_REDIS_TLS")
    redis_db: int = Field(0, ge=0, validation_alias="USHER_REDIS_DB")
    redis_ca_file: Path | None = Field(None, validation_alias="USHER_REDIS_CA_FILE")
    """A file with the certificates of the authorities that may have signed the server's, PEM. By
    default those of the system."""
    redis_cert_file: Path | None = Field(None, validation_alias="USHER_REDIS_CERT_FILE")
    """A file with the certificate that is shown to the server, PEM."""
    redis_key_file: Path | None = Field(None, validation_alias="USHER_REDIS_KEY_FILE")
    """Its private key."""

    @property
    def redis(self) -> RedisAddress | None:
        """The Redis that is named; None if none is."""
        if not (self.redis_url or self.redis_host):
            return None
        parts = urlsplit(self.redis_url or f"//{self.redis_host}")
        return RedisAddress(
            host=parts.hostname or "",
            port=parts.port or 6379,
            db=int(parts.path.strip("/") or 0) if self.redis_url else self.redis_db,
            username=unquote(parts.username or "") or self.redis_username,
            password=unquote(parts.password or "") or self.redis_password,
            tls=SCHEMES[parts.scheme] if self.redis_url else self.redis_tls,
            ca_file=self.redis_ca_file,
            cert_file=self.redis_cert_file,
            key_file=self.redis_key_file,
        )

    @model_validator(mode="after")
    def _readable(self) -> Self:
        if self.redis_url and urlsplit(self.redis_url).scheme not in SCHEMES:
            raise ValueError("USHER_REDIS_URL must begin with redis:// or rediss://")
        name = "USHER_REDIS_URL" if self.redis_url else "USHER_REDIS_HOST"
        right = "rediss://user:password@host:6379/0" if self.redis_url else "host:6379"
        try:
            readable = self.redis is None or bool(self.redis.host)
        except ValueError:
            readable = False
        if not readable:
            raise ValueError(f"{name} is not like {right}")
        for name in ("redis_ca_file", "redis_cert_file", "redis_key_file"):
            if (file := getattr(self, name)) and not file.is_file():
                raise ValueError(f"USHER_{name.upper()}: {file} is not a file")
        if bool(self.redis_cert_file) != bool(self.redis_key_file):
            raise ValueError("USHER_REDIS_CERT_FILE and USHER_REDIS_KEY_FILE need each other")
        return self
