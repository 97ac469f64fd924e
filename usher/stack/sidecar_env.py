"""The environment variables of the sidecars of the embedded stack."""

from urllib.parse import urlsplit

from usher.stack.kafka import address
from usher.stack.postgres import connection_string
from usher.stack.settings import LOOPBACK, StackSettings


def sidecar_env(settings: StackSettings, redis_address: str) -> dict[str, str]:
    """Return the variables that each sidecar gets in addition to the caller's."""
    return {
        "USHER_REDIS_HOST": redis_address,
        **_stores(settings),
        **settings.names.sidecar_env(),
        # Where other sidecars reach this one. By default daprd takes a network address, which a
        # machine may not have, and on which nothing listens here.
        "DAPR_HOST_IP": LOOPBACK,
        **_tracing(settings),
    }


def _stores(settings: StackSettings) -> dict[str, str]:
    found = {}
    if settings.broker == "kafka":
        found["USHER_KAFKA_BROKERS"] = address(settings)
    if settings.state == "postgres":
        found["USHER_POSTGRES"] = connection_string(settings.data_dir)
    return found


def _tracing(settings: StackSettings) -> dict[str, str]:
    """Return daprd's variables for the endpoint. Its defaults are gRPC and TLS.

    daprd takes scheme, host and port only. The variable for traces has a path, so it is emptied.
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
