"""Usher starts Dapr workflows from events. Workflow files import what they need from here."""

from contracts.authoring import activity, workflow
from contracts.routes.triggers import (
    Cancel,
    Deliver,
    Every,
    Resume,
    Start,
    StartOrDeliver,
    Suspend,
)

__all__ = [
    "Cancel",
    "Deliver",
    "Every",
    "Resume",
    "Start",
    "StartOrDeliver",
    "Suspend",
    "activity",
    "workflow",
]
