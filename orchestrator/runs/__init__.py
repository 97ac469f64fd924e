"""One run of an author's workflow, and its one completion event."""
