"""A register on SQLite that a whole module of tests reads: what writers make of it does not depend on the database."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from portal import create_app
from portal.extensions import db
from portal.models import Organization, write_session
from tests.support.cast import LONG_AGO
from tests.support.databases import SECRET, migrate


@contextmanager
def kept_register(folder: Path, timezone: str = "America/New_York") -> Iterator[uuid.UUID]:
    """The id of an organization "kept", without cases, in an application context."""
    url = f"sqlite:///{folder}/register.sqlite3"
    migrate(url, folder)
    with create_app({"SECRET_KEY": SECRET, "DATABASE_URL": url, "DUEPOST_VAR": str(folder)}).app_context():
        organization = Organization(
            id=uuid.uuid4(), name="Kept", slug="kept", timezone=timezone, settings={}, created_at=LONG_AGO
        )
        with write_session() as session:
            session.add(organization)
            session.flush()
            organization_id = organization.id
        yield organization_id
        db.engine.dispose()
