"""Keys of the document's maps, which allow letters, digits, `.`, `_` and `-` only."""

import re
from hashlib import sha256

MOST = 100
"""The longest readable part of a key, in characters."""


class Keys:
    """Gives each identity a key of its own: readable, with a digest where that is not unique."""

    def __init__(self) -> None:
        self._owners: dict[str, tuple[str, ...]] = {}

    def key(self, *identity: str) -> str:
        """Return the key of an identity: the same each time, and another for each other one."""
        text = ".".join(filter(None, identity))
        plain = text.replace("/", ".")
        readable = re.sub(r"[^A-Za-z0-9._-]", "_", plain)[:MOST]
        if readable == plain and self._owners.setdefault(readable, identity) == identity:
            return readable
        digest = sha256("\0".join(identity).encode(errors="surrogatepass")).hexdigest()[:16]
        key = f"{readable}-{digest}"
        self._owners[key] = identity
        return key
