"""Runs: what becomes of one occurrence, from queued to its end."""
