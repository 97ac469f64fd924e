"""Finds authors' workflows and activities, and checks them; each fault has its file and line."""
