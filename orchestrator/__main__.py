"""`python -m orchestrator`: find the workflows, wire, run."""

import uvicorn

from orchestrator.app import build_app
from orchestrator.catalogue import Catalogue
from orchestrator.logs import set_up_logs
from orchestrator.service import Orchestrator
from orchestrator.settings import Settings


def main() -> None:
    settings = Settings()
    set_up_logs(settings.log_format)
    service = Orchestrator(settings, Catalogue.scan(settings.workflows))
    uvicorn.run(build_app(service), host=settings.host, port=settings.port, log_level="warning")


if __name__ == "__main__":
    main()
