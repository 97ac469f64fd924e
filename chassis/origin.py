"""Origin guards: programs and our own pages may send requests, other web sites may not.

Every page in a browser can reach services on loopback. A browser names the site that a request
comes from; other programs name none and are let through. The browser also sends the host name it
used. If a web site makes its own name point at us (DNS rebinding), the browser takes the site for
our own page and lets it read answers, so unknown host names are refused.
"""

import ipaddress
import re
import socket
from collections.abc import Callable, Collection, Mapping
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

SETTING = "USHER_HOSTS"


def listed(value: Any) -> Any:
    """Split a comma-separated list of names, as an environment variable has it."""
    if not isinstance(value, str):
        return value
    return [name for part in value.split(",") if (name := part.strip())]


def own_names(hosts: Collection[str], listens_on: str) -> frozenset[str]:
    """Return the host names of this service: from the setting, this machine, and its address."""
    return frozenset(_bare(name) for name in (*hosts, listens_on, socket.gethostname()) if name)


def unknown_name(headers: Mapping[str, str], names: Collection[str]) -> str | None:
    """Return why the `Host` of a request is not ours; None if it is.

    `localhost` and IP addresses are always ours: no web site can have these names.
    """
    host = headers.get("host", "")
    name = _bare(host)
    if name == "localhost" or name.endswith(".localhost") or _is_address(name):
        return None
    if any(_matches(name, pattern) for pattern in names):
        return None
    return f"{host!r} is not a host name of this service. To allow it, add it to {SETTING}."


def objection(method: str, headers: Mapping[str, str]) -> str | None:
    """Return why a request may not change anything; None if it may, or if it only reads."""
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    if method in ("GET", "HEAD", "OPTIONS"):
        return None
    if site not in (None, "same-origin", "none"):
        return f"it comes from another site ({site})"
    if origin is not None and urlsplit(origin).netloc != headers.get("host", ""):
        return "it comes from another site"
    return None


class OwnNamesOnly:
    """Refuses every request to a host name that is not ours."""

    def __init__(
        self, app: ASGIApp, names: Collection[str], refuse: Callable[[str], ASGIApp]
    ) -> None:
        self._app = app
        self._names = names
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._app
        if scope["type"] in ("http", "websocket"):
            why = unknown_name(Headers(scope=scope), self._names)
            app = self._refuse(why) if why else app
        await app(scope, receive, send)


def _bare(host: str) -> str:
    """Return a host name in lower case, without port and final dot."""
    return re.sub(r":\d*$", "", host).lower().removesuffix(".")


def _matches(name: str, pattern: str) -> bool:
    """`*.example.com` matches every name below `example.com`; `*` matches every name."""
    return pattern in (name, "*") or (pattern.startswith("*.") and name.endswith(pattern[1:]))


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name[1:-1] if name.startswith("[") and name.endswith("]") else name)
    except ValueError:
        return False
    return True
