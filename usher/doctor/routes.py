"""Checks of the routes that are served."""

from collections.abc import Iterator, Mapping

from contracts.finding import Finding, warning


def alike(digests: Mapping[str, str]) -> Iterator[Finding]:
    """Orchestrators serve the same routes. `digests` are of the routes of each, by its URL."""
    if len(set(digests.values())) > 1:
        wrong = "orchestrators serve different routes: "
        wrong += ", ".join(f"{url} {digest}" for url, digest in digests.items())
        right = "give all the same files, then `usher routes apply`"
        yield warning("the routes", wrong, right, "routes")
