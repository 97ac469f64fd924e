"""Where the services answer: on the embedded stack's ports, unless the environment says else."""

import ipaddress
import socket
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from urllib.parse import urlsplit

from pydantic import HttpUrl
from pydantic_settings import BaseSettings, SettingsConfigDict

from chassis.redis_settings import RedisAddress
from contracts.services import SERVICES, Service
from usher.stack.secrets import read_secrets
from usher.stack.settings import LOOPBACK, StackSettings


class UrlSettings(BaseSettings):
    """`USHER_STARTER_URL` and so on: for what runs elsewhere than the embedded stack."""

    model_config = SettingsConfigDict(env_prefix="USHER_", extra="ignore")

    starter_url: HttpUrl | None = None
    orchestrator_url: HttpUrl | None = None
    orchestrator_replicas_url: HttpUrl | None = None
    """A name that stands for the addresses of all orchestrators, such as a headless Service of
    Kubernetes. What concerns each of them is sent to every address."""
    notifier_url: HttpUrl | None = None
    kafka_brokers: str = ""
    """Where Kafka is, `host:port` and more with commas; `usher audit` and `usher doctor` read its
    topics. The embedded stack's own where it is not set."""


def service_urls(stack: StackSettings, elsewhere: UrlSettings) -> Mapping[Service, str]:
    """Service → base URL without a slash at its end."""
    urls: dict[Service, str] = {}
    for service in SERVICES:
        given = getattr(elsewhere, f"{service}_url")
        urls[service] = str(given).rstrip("/") if given else stack.url(service)
    return urls


def orchestrator_urls(
    stack: StackSettings, elsewhere: UrlSettings, addresses: Callable[[str], list[str]]
) -> list[str]:
    """Return the base URL of each replica of the orchestrator: all that the settings know.

    `addresses` are those of a host name; without any, the name itself is asked.
    """
    if replicas := elsewhere.orchestrator_replicas_url:
        named = replicas.host or ""
        hosts = addresses(named) or [named]
        return [f"{replicas.scheme}://{host}:{replicas.port}" for host in hosts]
    if elsewhere.orchestrator_url:
        return [service_urls(stack, elsewhere)["orchestrator"]]
    return [stack.replica(n).url("orchestrator") for n in range(1, stack.replicas + 1)]


def addresses_of(host: str) -> list[str]:
    """Return the IPv4 addresses of a host name, or else its IPv6 addresses; empty without any."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return []
    by_family = {
        family: sorted({str(place[0]) for kind, *_, place in found if kind == family})
        for family in (socket.AF_INET, socket.AF_INET6)
    }
    return by_family[socket.AF_INET] or [f"[{one}]" for one in by_family[socket.AF_INET6]]


def direct_hosts(stack: StackSettings, urls: Iterable[str]) -> set[str]:
    """The hosts that are this machine, so that no proxy stands between."""
    hosts = {urlsplit(url).hostname or "" for url in urls}
    own = {urlsplit(stack.url(service)).hostname or "" for service in SERVICES}
    return {"localhost", LOOPBACK, *own, *filter(_is_loopback, hosts)}


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def redis_address(stack: StackSettings) -> RedisAddress:
    """Return the Redis that the settings name, or the stack's own with its password."""
    if stack.redis:
        return stack.redis
    password = stack.redis_password or read_secrets(stack.data_dir).redis_password
    return replace(stack.redis_in_use, password=password)


def kafka_brokers(stack: StackSettings, elsewhere: UrlSettings) -> str:
    """Where Kafka is; empty where nobody says so."""
    own = f"{LOOPBACK}:{stack.kafka_port}" if stack.broker == "kafka" else ""
    return elsewhere.kafka_brokers or own
