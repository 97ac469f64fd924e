"""Keeps other web sites out: a service on loopback is within reach of every page a browser shows.

A browser says on whose behalf it sends something; other programs say nothing and are let through.
"""

from urllib.parse import urlsplit

from fastapi import Request

OURS = ("same-origin", "none")


class ForAnotherSite(Exception):
    """A browser sent this for a page that is not ours."""


def no_other_site(request: Request) -> None:
    """Let a request through that changes nothing, or is no other site's; raise `ForAnotherSite`."""
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is None and origin is not None:
        same = urlsplit(origin).netloc == request.headers.get("host")
        site = "same-origin" if same else "cross-site"
    if site not in (None, *OURS):
        raise ForAnotherSite(f"it comes from another web site ({site}), which may publish nothing")
