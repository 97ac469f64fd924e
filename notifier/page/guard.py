"""Keeps the page to itself: no other web site acts through it, and nothing foreign runs in it.

Services on loopback can be reached by every page that a browser shows. A browser says on whose
behalf it posts, and under which name it found us; other programs say nothing and are let through.
"""

import re
from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}

_ADDRESS = re.compile(r"\d{1,3}(\.\d{1,3}){3}|\[[0-9a-fA-F:.]+\]")


def objection(headers: Mapping[str, str], names: Collection[str]) -> str | None:
    """Say why a request may change nothing; None where it may."""
    host = headers.get("host", "")
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    if origin is None and site is None:
        return None
    if site not in (None, "same-origin", "none"):
        return f"it comes from another site ({site})"
    if origin is not None and urlsplit(origin).netloc != host:
        return "it comes from another site"
    name = host.rpartition(":")[0] if re.search(r":\d+$", host) else host
    if name == "localhost" or _ADDRESS.fullmatch(name) or name in names:
        return None
    return f"{name!r} is no name of this page; NOTIFIER_PAGE_HOSTS names more"
