"""Routes: which events start, wake or stop which workflow, as declared, and how an event matches.

All of it is pure: it reads files and events, and asks nobody.
"""
