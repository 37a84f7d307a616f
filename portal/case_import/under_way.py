"""Up to when a look at the register sees all that changed, while imports may be at work."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

import sqlalchemy as sa

from portal import clock
from portal.extensions import db
from portal.models import CaseImport, ImportState

LOST_AFTER = timedelta(hours=24)
"""An import that says for longer that it is under way was killed and could not say so."""


def complete_until(organization_id: uuid.UUID) -> datetime:
    """A moment (UTC) such that a look at the register that is opened from now on sees all that is noted up to it.

    Read first the clock, then which imports are at work, on a connection that has seen nothing before. What an import
    changes is noted at one moment after its row was there to be seen: one that is at work puts the answer back to its
    beginning, one that begins later notes its changes later.
    """
    now = clock.now()
    at_work = sa.select(sa.func.min(CaseImport.started_at)).where(
        CaseImport.organization_id == organization_id,
        CaseImport.state == ImportState.RUNNING,
        CaseImport.started_at > now - LOST_AFTER,
    )
    with db.engine.connect() as connection:
        begun = connection.scalar(at_work)
    return now if begun is None else min(now, begun)
