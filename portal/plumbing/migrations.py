"""Flask-Migrate, joined to the application when it is first wanted.

It brings Alembic, and with it Mako and Pygments: 13 MB that no page and no job needs, in each process.
"""

from __future__ import annotations

import functools
from typing import Any

import click
from flask import Flask

from portal.config import ROOT
from portal.extensions import db

FOLDER = ROOT / "portal" / "migrations"


def join_migrations(app: Flask) -> None:
    """`flask db …` and flask_migrate's functions work on this application."""
    app.extensions["migrate"] = _WhenWanted(app)
    app.cli.add_command(_Commands("db", help="Set up the database and change it to this program's version."))


class _WhenWanted:
    """Stands where flask_migrate looks for what it joined, and lets it join when it does."""

    def __init__(self, app: Flask) -> None:
        self._app = app

    @functools.cached_property
    def _joined(self) -> Any:
        from flask_migrate import Migrate  # noqa: PLC0415  # see above

        Migrate(self._app, db, directory=str(FOLDER), render_as_batch=False)
        return self._app.extensions["migrate"]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._joined, name)


class _Commands(click.Command):
    """Gives way to flask_migrate's own group as soon as it is called."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        from flask_migrate.cli import db as group  # noqa: PLC0415  # see above

        return group.make_context(info_name, args, parent, **extra)  # type: ignore[no-any-return]
