"""What crosses a topic, and nothing else: topic names, messages, CloudEvent encode and decode.

Every service reads and writes the topics through this package; it imports no service and no Dapr.
"""
