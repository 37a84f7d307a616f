"""What gunicorn and `flask --app wsgi` load."""

from __future__ import annotations

import sys

from portal import create_app
from portal.config import SettingsError

try:
    app = create_app()
except SettingsError as error:
    sys.exit(f"Duepost does not start: {error}")
