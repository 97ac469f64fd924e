"""Finds and checks authors' workflows and activities. Each fault names its file and line."""
