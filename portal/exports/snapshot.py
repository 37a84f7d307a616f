"""The register as it is at one instant: what files, previews and reports are read from."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from portal import deadline
from portal.config import settings
from portal.extensions import db
from portal.models import CaseImport, ImportState

SERVER_MARGIN_SECONDS = 60
"""How much later than the run's own limit the database gives a question up: the limit's own words come first."""


_shared: ContextVar[Connection | None] = ContextVar("shared_snapshot", default=None)


@contextmanager
def shared_snapshot() -> Iterator[Connection]:
    """A snapshot that every `snapshot` within it is: several files are then made of one and the same register."""
    with snapshot() as connection:
        token = _shared.set(connection)
        try:
            yield connection
        finally:
            _shared.reset(token)


@contextmanager
def snapshot() -> Iterator[Connection]:
    """A connection that sees the register as it is at its first question, for as long as it lasts."""
    shared = _shared.get()
    if shared is not None:
        yield shared
        return
    engine = db.engine
    if engine.dialect.name == "postgresql":
        # on SQLite every transaction that only reads is such a snapshot
        engine = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql" and not deadline.is_set():
            # the program that asks may be killed at its limit, and the server would go on looking for nobody
            seconds = settings().run_time_limit_seconds + SERVER_MARGIN_SECONDS
            connection.exec_driver_sql(f"SET LOCAL statement_timeout = '{seconds}s'")
        yield connection


def register_as_of(connection: Connection, organization_id: uuid.UUID) -> datetime | None:
    """When the newest import that succeeded was finished."""
    newest = sa.select(sa.func.max(CaseImport.finished_at)).where(
        CaseImport.organization_id == organization_id, CaseImport.state == ImportState.SUCCEEDED
    )
    return connection.scalar(newest)
