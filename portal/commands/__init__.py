"""`flask …` commands, by subject: the same services the pages call."""

from __future__ import annotations

from flask import Flask


def register(app: Flask) -> None:
    """Join every command to the app."""
