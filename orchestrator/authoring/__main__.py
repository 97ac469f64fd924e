"""`python -m orchestrator.authoring [FOLDER]` writes the routes found, and all faults.

The command line runs it in a process of its own, since it imports the files of authors. Without an
argument it looks where the orchestrator would. What those files print goes to standard error.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

from contracts.fault import Fault
from contracts.routes.route import Route
from orchestrator.authoring.catalogue import Catalogue, CatalogueError
from orchestrator.settings import Settings


def _found(folder: Path | None) -> tuple[tuple[Route, ...], list[Fault]]:
    settings = Settings()
    try:
        if folder:
            return Catalogue.scan([folder]).routes, []
        return Catalogue.scan(settings.workflows, settings.samples, settings.routes).routes, []
    except CatalogueError as error:
        return (), error.faults


def _as_json(route: Route) -> dict[str, Any]:
    says = route.spec.as_json()
    return {"name": route.name, "file": str(route.file), "line": route.line, "says": says}


def main() -> None:
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    routes, faults = _found(Path(sys.argv[1]) if sys.argv[1:] else None)
    wrong = [{"file": str(f.file), "line": f.line, "message": f.message} for f in faults]
    json.dump({"routes": [*map(_as_json, routes)], "faults": wrong}, answer)
    answer.flush()
    os._exit(0)  # a thread that an author has started holds up nothing


if __name__ == "__main__":
    main()
