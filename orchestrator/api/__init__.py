"""What the orchestrator's HTTP API reads."""
