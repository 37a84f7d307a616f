"""Up to when a look at the register sees all that changed, while imports may be at work."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from portal.models import CaseImport, ImportState

LOST_AFTER = timedelta(hours=24)
"""An import that says for longer that it is under way was killed and could not say so."""


def complete_until(connection: Connection, organization_id: uuid.UUID, opened: datetime) -> datetime:
    """The moment such that whatever `connection` does not see yet is noted as changed later than that (UTC).

    `opened` was read off the clock before the connection's first question. What an import changes is noted at one
    moment after its row was there to be seen, so those still under way put it back to their beginning.
    """
    begun: datetime | None = connection.scalar(
        sa.select(sa.func.min(CaseImport.started_at)).where(
            CaseImport.organization_id == organization_id,
            CaseImport.state == ImportState.RUNNING,
            CaseImport.started_at > opened - LOST_AFTER,
        )
    )
    return opened if begun is None else min(opened, begun)
