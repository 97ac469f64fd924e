"""Runs activities and turns of workflows so that one bad task harms no other."""
