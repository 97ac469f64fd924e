"""The embedded local stack: Redis, Dapr and the three services as supervised processes.

`settings` says where and on which ports, `processes` what runs, `stack` brings it up and down.
Nothing is imported here: supervisord loads `backoff` from this package.
"""
