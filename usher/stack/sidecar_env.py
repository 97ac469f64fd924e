"""The environment variables by which the embedded stack's processes find each other's servers."""

from urllib.parse import urlsplit

from usher.stack.kafka import address
from usher.stack.postgres import connection_string
from usher.stack.settings import LOOPBACK, StackSettings


def sidecar_env(settings: StackSettings) -> dict[str, str]:
    """Return the variables that each sidecar gets in addition to the caller's."""
    ca_file = settings.redis_in_use.ca_file
    return {
        **server_env(settings),
        **settings.names.sidecar_env(),
        # daprd trusts no other authorities with this one.
        **({"SSL_CERT_FILE": str(ca_file)} if ca_file else {}),
        # Where other sidecars reach this one. By default daprd takes a network address, which a
        # machine may not have, and on which nothing listens here.
        "DAPR_HOST_IP": LOOPBACK,
        **_tracing(settings),
    }


def server_env(settings: StackSettings) -> dict[str, str]:
    """Return the variables that say where the servers of topics and state are."""
    found = settings.redis_in_use.variables() if settings.needs_redis else {}
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
