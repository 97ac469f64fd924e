"""Runs activities and turns of workflows so that a bad one harms no other."""
