"""`python -m notifier`: wires and runs the notifier."""

from chassis.http_limits import run
from chassis.logs import set_up_logs
from notifier.app import build_app
from notifier.lines import LineWriter
from notifier.service import Notifier
from notifier.settings import Settings


def main() -> None:
    settings = Settings()
    set_up_logs(settings.log_format)
    app = build_app(Notifier(settings, LineWriter(settings.log_format)), settings.names)
    if settings.otlp_endpoint:
        from chassis.exporting import export_spans

        export_spans("notifier", app)
    run(app, settings.host, settings.port)


if __name__ == "__main__":
    main()
