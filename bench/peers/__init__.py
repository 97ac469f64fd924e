"""Peers: other engines of durable workflows that do the same work between the same two streams.

`tools` and `stack` run with Usher's dependencies: they find the programs, and say what runs.
`on_dbos`, `on_restate` and `notifier` run on the peers' own Python, which has no Usher.
"""
