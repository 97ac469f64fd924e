"""The names of the three services."""

from typing import Literal, get_args

Service = Literal["starter", "orchestrator", "notifier"]
SERVICES: tuple[Service, ...] = get_args(Service)
