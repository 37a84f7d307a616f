"""Schedules: what an officer asks for, and when it falls due."""
