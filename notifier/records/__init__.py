"""Records: notices and dead letters, read from topics, kept in a store, and the change log."""
