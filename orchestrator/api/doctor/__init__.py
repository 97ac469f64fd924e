"""What would break a promise, told from what the orchestrator sees of its sidecar and itself."""
