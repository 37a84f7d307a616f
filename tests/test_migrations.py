"""The migrations make what the models say, on an empty SQLite and an empty PostgreSQL."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask

from portal.extensions import db
from portal.models import write_session


# indexes on lower(email) cannot be read back from SQLite; PostgreSQL compares them
@pytest.mark.filterwarnings("ignore:.*expression-based index")
def test_migrated_database_does_not_differ_from_the_models(app: Flask) -> None:
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, db.metadata) == []


@pytest.mark.parametrize("statement", ["UPDATE audit_events SET action = 'x'", "DELETE FROM audit_events"])
def test_audit_events_refuse_change(app: Flask, statement: str) -> None:
    with write_session() as session:
        session.execute(sa.text(_AN_EVENT))
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), write_session() as session:
        session.execute(sa.text(statement))


def test_audit_event_cannot_be_replaced(app: Flask) -> None:
    with write_session() as session:
        session.execute(sa.text(_AN_EVENT))
    verb = "INSERT OR REPLACE" if db.engine.dialect.name == "sqlite" else "INSERT"
    with pytest.raises(sa.exc.DBAPIError), write_session() as session:
        session.execute(sa.text(_AN_EVENT.replace("INSERT", verb, 1)))


_AN_EVENT = """
    INSERT INTO audit_events (chain_id, sequence, at, actor_kind, actor_name, action, subject_type, subject_id,
                              body_hash, previous_mac, mac, key_id)
    VALUES ('00000000-0000-0000-0000-000000000000', 1, '2026-11-02 12:00:00', 'SYSTEM', 'x', 'x', 'x', 'x',
            'x', 'x', 'x', 'x')
"""
