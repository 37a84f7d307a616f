"""Which runs were delivered in full: from there an export of changes, and the period since the last success, go on."""

from __future__ import annotations

import uuid
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.models import Artifact, Run, RunState


def delivered_in_full() -> sa.ColumnElement[bool]:
    """A condition on `runs`: everybody was reached, and no rows were kept back since the schedule's condition for
    sending was not met. That there were no rows, and so nothing was sent, is in full."""
    to_be_sent = (Artifact.run_id == Run.id, ~Artifact.only_to_see)
    kept_back = sa.exists().where(*to_be_sent, Artifact.not_sent != "", Artifact.rows > 0)
    return sa.and_(Run.state == RunState.SUCCEEDED, ~kept_back)


def changes_delivered_until(db: Session, schedule_id: uuid.UUID, not_before: datetime | None) -> datetime | None:
    """Up to when all changes were delivered, by any of the schedule's runs, planned or not; None: by none.

    Runs whose window was settled before `not_before` do not count: since then it was to start over.
    """
    statement = sa.select(sa.func.max(Run.data_as_of)).where(Run.schedule_id == schedule_id, delivered_in_full())
    if not_before is not None:
        # a run of everything settles no window; what it saw is good enough if it saw it later
        statement = statement.where(sa.func.coalesce(Run.changes_settled_at, Run.data_as_of) > not_before)
    return db.scalar(statement)
