"""HOP 1: the HTTP front door. Its routes publish events."""
