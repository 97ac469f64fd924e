"""`python -m contracts` writes the JSON Schemas of messages and files. A test compares them."""

import json
from pathlib import Path

from contracts.commands import ControlInstance, RaiseEvent, StartWorkflow
from contracts.events import EventDeadLettered, WorkflowCompleted
from contracts.routes.spec import RoutesFile

SCHEMAS = Path(__file__).parent / "schemas"
MODELS = (
    *(StartWorkflow, RaiseEvent, ControlInstance, WorkflowCompleted, EventDeadLettered),
    RoutesFile,
)


def schemas() -> dict[str, str]:
    """Return the text of each schema file, by file name."""
    return {
        f"{model.__name__}.json": json.dumps(model.model_json_schema(), indent=2) + "\n"
        for model in MODELS
    }


if __name__ == "__main__":
    for name, text in schemas().items():
        (SCHEMAS / name).write_text(text)
