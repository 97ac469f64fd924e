"""`python -m starter`: wires and runs the starter."""

import httpx

from chassis.http_limits import run
from chassis.logs import set_up_logs
from chassis.sidecar import sidecar_http
from starter.app import build_app
from starter.settings import Settings


def main() -> None:
    settings = Settings()
    set_up_logs(settings.log_format)
    sidecar = sidecar_http(settings, timeout_seconds=10)
    orchestrator = httpx.AsyncClient(
        base_url=settings.orchestrator_url, timeout=10, trust_env=False
    )
    app = build_app(sidecar, orchestrator, settings.names)
    if settings.otlp_endpoint:
        from chassis.exporting import export_spans

        export_spans("starter", app)
    run(app, settings.host, settings.port)


if __name__ == "__main__":
    main()
