"""The HTTP API: reads only."""
