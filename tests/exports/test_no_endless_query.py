"""A question that nobody waits for any more is ended by the database itself."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.exports import snapshot
from portal.extensions import db


def test_the_database_gives_up_what_nobody_waits_for_any_more(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    """B10: the run's process may have been killed at its limit, and PostgreSQL would not notice."""
    monkeypatch.setattr(snapshot, "SERVER_MARGIN_SECONDS", 0)
    with make_app(DUEPOST_RUN_TIME_LIMIT_SECONDS="1").app_context():
        if db.engine.dialect.name != "postgresql":
            return  # SQLite looks within the process itself
        with pytest.raises(sa.exc.OperationalError, match="statement timeout"), snapshot.snapshot() as connection:
            connection.execute(sa.text("SELECT pg_sleep(600)"))
