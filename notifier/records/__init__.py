"""Records: notices and dead letters, read from topics, kept in Redis, and the change log."""
