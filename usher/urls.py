"""Where the services answer: on the embedded stack's ports, unless the environment says else."""

from collections.abc import Mapping
from typing import get_args

from pydantic import HttpUrl
from pydantic_settings import BaseSettings, SettingsConfigDict

from usher.stack.processes import Service
from usher.stack.settings import StackSettings


class UrlSettings(BaseSettings):
    """`USHER_STARTER_URL` and so on: for services that run elsewhere than the embedded stack."""

    model_config = SettingsConfigDict(env_prefix="USHER_", extra="ignore")

    starter_url: HttpUrl | None = None
    orchestrator_url: HttpUrl | None = None
    notifier_url: HttpUrl | None = None


def service_urls(stack: StackSettings, elsewhere: UrlSettings) -> Mapping[Service, str]:
    """Service → base URL without a slash at its end."""
    urls: dict[Service, str] = {}
    for service in get_args(Service):
        given = getattr(elsewhere, f"{service}_url")
        urls[service] = str(given).rstrip("/") if given else stack.url(service)
    return urls
