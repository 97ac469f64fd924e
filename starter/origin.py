"""Says who may change something: our own pages and programs, but no other web site.

Services on loopback can be reached by every page that a browser shows. A browser says on whose
behalf it posts, and under which name it found us; other programs say nothing and are let through.
The same file where browsers come.
"""

import re
from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

_ADDRESS = re.compile(r"\d{1,3}(\.\d{1,3}){3}|\[[0-9a-fA-F:.]+\]")


def objection(method: str, headers: Mapping[str, str], names: Collection[str]) -> str | None:
    """Say why a request may change nothing; None where it may, or only reads.

    `names` are the host names under which our pages may act, beside `localhost` and addresses.
    """
    host = headers.get("host", "")
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    if method in ("GET", "HEAD", "OPTIONS") or (origin is None and site is None):
        return None
    if site not in (None, "same-origin", "none"):
        return f"it comes from another site ({site})"
    if origin is not None and urlsplit(origin).netloc != host:
        return "it comes from another site"
    name = host.rpartition(":")[0] if re.search(r":\d+$", host) else host
    if name == "localhost" or _ADDRESS.fullmatch(name) or name in names:
        return None
    return f"{name!r} is no name of this service; the setting PAGE_HOSTS names more"
