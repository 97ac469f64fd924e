"""The live page: what happened, who waits for what, and forms that the starter publishes."""
