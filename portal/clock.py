"""What time it is: the database's time, so that hosts minutes apart agree on leases, ticks and the ledger.

Callers write `clock.now()` and pass the answer down; tests replace this one function.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import text

from portal.extensions import db


def now() -> datetime:
    """The present instant, zone-aware UTC. SQLite lives on one host, so that host's clock is the database's."""
    engine = db.engine
    if engine.dialect.name != "postgresql":
        return datetime.now(UTC)
    with engine.connect() as connection:
        moment: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    return moment.astimezone(UTC)
