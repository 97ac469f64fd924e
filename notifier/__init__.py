"""HOP 3: receives completion events and dead letters, keeps them, and shows them to people."""
