"""`python -m notifier`: wire and run."""

import uvicorn

from notifier.app import build_app
from notifier.lines import Lines
from notifier.logs import set_up_logs
from notifier.service import Notifier
from notifier.settings import Settings


def main() -> None:
    settings = Settings()
    set_up_logs(settings.log_format)
    app = build_app(Notifier(settings, Lines(settings.log_format)), settings.names)
    if settings.otlp_endpoint:
        from notifier.exporting import export_spans

        export_spans("notifier", app)
    uvicorn.run(app, host=settings.host, port=settings.port, log_level="warning")


if __name__ == "__main__":
    main()
