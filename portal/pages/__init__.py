"""The pages: they parse and answer; subjects decide."""

from __future__ import annotations

from flask import Flask


def register(app: Flask) -> None:
    """Join every page, error page and template filter to the app."""
