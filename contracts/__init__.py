"""The contracts between services: topic names, messages, and CloudEvents in JSON.

Every service reads and writes topics through this package. It imports no service and no Dapr.
"""
