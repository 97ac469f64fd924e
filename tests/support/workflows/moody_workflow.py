"""A workflow whose input can be read only once a file is there: a fault that passes."""

from collections.abc import Generator
from pathlib import Path
from typing import Any

from dapr.ext.workflow import DaprWorkflowContext
from pydantic import BaseModel, field_validator

from usher import workflow


class Moody(BaseModel):
    """Names the file."""

    file: Path = Path("/")

    @field_validator("file")
    @classmethod
    def _is_there(cls, file: Path) -> Path:
        if not file.exists():
            raise ConnectionError(f"{file} is not there yet")
        return file


@workflow(example={})
def moody_workflow(ctx: DaprWorkflowContext, input: Moody) -> Generator[Any, Any, str]:  # noqa: A002
    """Say that the file is there."""
    yield ctx.create_timer(ctx.current_utc_datetime)
    return f"{input.file} is there"
