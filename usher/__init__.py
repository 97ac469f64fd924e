"""Usher starts Dapr workflows from events. Workflow files import `activity` and `workflow`."""

from contracts.authoring import activity, workflow

__all__ = ["activity", "workflow"]
