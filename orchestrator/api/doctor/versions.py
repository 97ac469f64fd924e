"""Checks that the runtime and the SDK are of those that were tested together."""

from collections.abc import Iterator

from orchestrator.api.doctor.finding import Finding, warning

RUNTIMES = ("1.18.",)
SDKS = ("1.19.",)


def versions(runtime: str, sdk: str) -> Iterator[Finding]:
    """Other versions may well work: what Dapr does at its edges has changed with every release."""
    if not runtime.startswith(RUNTIMES):
        wrong = f"the sidecar is Dapr {runtime or 'of unknown version'}"
        yield warning("the Dapr runtime", wrong, f"tested with {_any(RUNTIMES)}", "all")
    if not sdk.startswith(SDKS):
        wrong = f"the Dapr SDK is {sdk}"
        yield warning("the package dapr", wrong, f"tested with {_any(SDKS)}", "all")


def _any(prefixes: tuple[str, ...]) -> str:
    return ", ".join(f"{prefix}x" for prefix in prefixes)
