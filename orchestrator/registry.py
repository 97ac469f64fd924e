"""The former place of `workflow` and `activity`, which are imported from `usher`."""

from contracts.authoring import activity, workflow

__all__ = ["activity", "workflow"]
