"""`flask …` commands, by subject: the same services the pages call."""

from __future__ import annotations

from flask import Flask

from portal.commands.import_cases import import_cases_command
from portal.commands.organizations import create_organization_command


def register(app: Flask) -> None:
    """Join every command to the app."""
    for command in (create_organization_command, import_cases_command):
        app.cli.add_command(command)
