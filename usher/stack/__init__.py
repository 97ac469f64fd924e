"""The embedded local stack: Redis, Dapr and the three services as supervised processes.

`settings` has the ports and folders, `processes` says what runs, and `stack` starts and stops it.
This file imports nothing, because supervisord loads `backoff` from this package.
"""
