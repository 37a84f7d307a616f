"""The blueprint that all pages of schedules join."""

from __future__ import annotations

from flask import Blueprint

bp = Blueprint("schedules", __name__, url_prefix="/schedules")
