"""Before a command: the database is there and of this program's version; else one sentence and exit 1."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

import click
from flask.cli import with_appcontext
from sqlalchemy.exc import OperationalError

from portal.health import SchemaError, require_current_schema


def on_current_schema(command: click.Command) -> click.Command:
    """The same command, which looks first."""
    work: Callable[..., Any] | None = command.callback
    if work is None:
        return command

    @functools.wraps(work)
    def look_first(*args: Any, **given: Any) -> Any:
        try:
            require_current_schema()
        except SchemaError as problem:
            _say_and_exit(str(problem))
        except OperationalError:
            _say_and_exit("The database does not answer; check DATABASE_URL and that it runs.")
        return work(*args, **given)

    command.callback = with_appcontext(look_first)
    return command


def _say_and_exit(sentence: str) -> None:
    click.echo(sentence, err=True)
    sys.exit(1)
