"""What the orchestrator remembers: events, instance ids, endings, parked lists."""
