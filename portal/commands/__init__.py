"""`flask …` commands, by subject: the same services the pages call."""

from __future__ import annotations

from flask import Flask

from portal.commands import runs, schedules
from portal.commands.export import export
from portal.commands.import_cases import import_cases_command
from portal.commands.on_current_schema import on_current_schema
from portal.commands.organizations import create_organization_command
from portal.commands.schedule_times import schedule_times
from portal.commands.users import create_user
from portal.commands.verify_audit import verify_audit
from portal.commands.verify_runs import verify_runs

ON_THE_DATABASE = (
    create_organization_command,
    create_user,
    export,
    import_cases_command,
    verify_audit,
    verify_runs,
    *runs.COMMANDS,
    *schedules.COMMANDS,
)
COMMANDS = (schedule_times, *map(on_current_schema, ON_THE_DATABASE))


def register(app: Flask) -> None:
    """Join every command to the app."""
    for command in COMMANDS:
        app.cli.add_command(command)
