"""`python -m contracts` writes the JSON Schemas of the messages. A test keeps them up to date."""

import json
from pathlib import Path

from contracts.commands import ControlInstance, RaiseEvent, StartWorkflow
from contracts.events import EventDeadLettered, WorkflowCompleted

SCHEMAS = Path(__file__).parent / "schemas"
MESSAGES = (StartWorkflow, RaiseEvent, ControlInstance, WorkflowCompleted, EventDeadLettered)


def schemas() -> dict[str, str]:
    """Return the text of each schema file, by file name."""
    return {
        f"{message.__name__}.json": json.dumps(message.model_json_schema(), indent=2) + "\n"
        for message in MESSAGES
    }


if __name__ == "__main__":
    for name, text in schemas().items():
        (SCHEMAS / name).write_text(text)
