"""HOP 2: takes commands off the topics, runs the workflows, says how they ended."""
