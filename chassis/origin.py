"""Says who may ask and who may change something: programs and our own pages, no other web site.

Services on loopback can be reached by every page that a browser shows. A browser says on whose
behalf it posts, and other programs say nothing and are let through. It also says under which name
it found us: a web site whose own name was made to point at us (DNS rebinding) counts as our own
page to the browser, and would read answers too.
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
    """Return the names of a list with commas, as an environment has it."""
    if not isinstance(value, str):
        return value
    return [name for part in value.split(",") if (name := part.strip())]


def own_names(hosts: Collection[str], listens_on: str) -> frozenset[str]:
    """Return the names of this service: of the setting, of this machine, where it listens."""
    return frozenset(_bare(name) for name in (*hosts, listens_on, socket.gethostname()) if name)


def unknown_name(headers: Mapping[str, str], names: Collection[str]) -> str | None:
    """Say why a request is not for us, by its `Host`; None where it is.

    `localhost` and addresses always are: no web site can have them for its name.
    """
    host = headers.get("host", "")
    name = _bare(host)
    if name == "localhost" or name.endswith(".localhost") or _is_address(name):
        return None
    if any(_matches(name, pattern) for pattern in names):
        return None
    return f"{host!r} is no name of this service. The setting {SETTING} names more, as `a.example`."


def objection(method: str, headers: Mapping[str, str]) -> str | None:
    """Say why a request may change nothing; None where it may, or only reads."""
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    if method in ("GET", "HEAD", "OPTIONS"):
        return None
    if site not in (None, "same-origin", "none"):
        return f"it comes from another site ({site})"
    if origin is not None and urlsplit(origin).netloc != headers.get("host", ""):
        return "it comes from another site"
    return None


class OwnNamesOnly:
    """Refuses every request, whatever it asks for, that came under a name which is not ours."""

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
    """Return a name as it is compared: without a port and a dot at its end."""
    return re.sub(r":\d*$", "", host).lower().removesuffix(".")


def _matches(name: str, pattern: str) -> bool:
    """`*.example.com` is every name below `example.com`, `*` is every name there is."""
    return pattern in (name, "*") or (pattern.startswith("*.") and name.endswith(pattern[1:]))


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name[1:-1] if name.startswith("[") and name.endswith("]") else name)
    except ValueError:
        return False
    return True
