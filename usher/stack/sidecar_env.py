"""What the sidecars of the embedded stack are told by their environment."""

from urllib.parse import urlsplit

from usher.stack.settings import LOOPBACK, StackSettings


def sidecar_env(settings: StackSettings, redis_address: str) -> dict[str, str]:
    """Return the variables of each sidecar, on top of those of the caller."""
    return {
        "USHER_REDIS_HOST": redis_address,
        # Where other sidecars reach this one. daprd would take an address of a network: a machine
        # without one has none, and on others nothing listens there.
        "DAPR_HOST_IP": LOOPBACK,
        **_tracing(settings),
    }


def _tracing(settings: StackSettings) -> dict[str, str]:
    """What daprd is to be told of the endpoint: its defaults are gRPC and TLS.

    It takes host and port alone, and none of the variable that names the path to the spans.
    """
    if not settings.otlp_endpoint:
        return {}
    url = urlsplit(settings.otlp_endpoint)
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"{url.scheme}://{url.netloc}",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "",
        "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf",
        "OTEL_EXPORTER_OTLP_INSECURE": "true" if url.scheme == "http" else "false",
    }
