"""`python -m orchestrator`: find the workflows, wire, run."""

import sys

import structlog

from chassis.logs import set_up_logs
from orchestrator.engine.instrumentation import carry_trace, import_sdk
from orchestrator.settings import Settings


def main() -> None:
    settings = Settings()
    set_up_logs(settings.log_format)
    import_sdk()
    from chassis.http_limits import run
    from chassis.sidecar_wait import wait_for_sidecar
    from orchestrator.app import build_app
    from orchestrator.authoring.catalogue import Catalogue, CatalogueError
    from orchestrator.service import Orchestrator

    try:
        catalogue = Catalogue.scan(settings.workflows, settings.samples, settings.routes)
    except CatalogueError as error:
        sys.exit(f"the workflows cannot be served:\n{error}")
    for warning in catalogue.warnings:
        structlog.get_logger().warning("look at this again", place=str(warning))
    app = build_app(Orchestrator(settings, catalogue), settings.names)
    carry_trace(bool(settings.otlp_endpoint))
    if settings.otlp_endpoint:
        from chassis.exporting import export_spans

        export_spans("orchestrator", app)
    wait_for_sidecar(app.title, settings)
    run(app, settings.host, settings.port)


if __name__ == "__main__":
    main()
