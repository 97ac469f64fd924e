"""Reads what people type, and prints what commands answer."""
