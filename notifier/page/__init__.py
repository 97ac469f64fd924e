"""The live page: notices, dead letters, waits, and forms that publish through the starter."""
