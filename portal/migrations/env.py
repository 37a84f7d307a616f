"""How Alembic reaches the database: through the app's engine and the models' metadata."""

from __future__ import annotations

from typing import Any

from alembic import context
from flask import current_app
from portal.models.base import WRITE, UtcDateTime

database = current_app.extensions["migrate"].db


def render_item(kind: str, item: Any, _autogen: Any) -> str | bool:
    """Migrations import nothing of the application: its column types are written as what they are to the database."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return False


def run() -> None:
    engine = database.engine.execution_options(**{WRITE: True})
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=database.metadata,
            render_item=render_item,
            compare_type=True,
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()


run()
