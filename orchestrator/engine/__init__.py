"""The Dapr workflow engine, and everything of its SDK that is private."""
