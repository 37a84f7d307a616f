"""What was done to one schedule, from the audit log."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from portal.extensions import db
from portal.models import AuditBody, AuditEvent

SHOWN = 20
# what counts the schedule's revision up, one each
COUNTED = ("schedule.edited", "schedule.paused", "schedule.resumed", "schedule.reassigned", "schedule.deleted")


@dataclass(frozen=True)
class Change:
    """`body` is empty where it was erased."""

    at: datetime
    actor: str
    action: str
    body: Mapping[str, Any]


def changes_of(organization_id: uuid.UUID, schedule_id: uuid.UUID, limit: int = SHOWN) -> Sequence[Change]:
    """The newest changes, newest first."""
    return _read(organization_id, schedule_id, limit)


def changes_since(organization_id: uuid.UUID, schedule_id: uuid.UUID, revisions: int) -> Sequence[Change]:
    """The last so many changes that counted the revision up, newest first."""
    if revisions <= 0:
        return []
    return _read(organization_id, schedule_id, min(revisions, SHOWN), AuditEvent.action.in_(COUNTED))


def _read(organization_id: uuid.UUID, schedule_id: uuid.UUID, limit: int, *more: Any) -> Sequence[Change]:
    body = sa.and_(AuditBody.chain_id == AuditEvent.chain_id, AuditBody.sequence == AuditEvent.sequence)
    statement = (
        sa.select(AuditEvent.at, AuditEvent.actor_name, AuditEvent.action, AuditBody.body)
        .outerjoin(AuditBody, body)
        .where(
            AuditEvent.chain_id == organization_id,
            AuditEvent.subject_type == "schedule",
            AuditEvent.subject_id == str(schedule_id),
            *more,
        )
        .order_by(AuditEvent.sequence.desc())
        .limit(limit)
    )
    return [Change(row.at, row.actor_name, row.action, row.body or {}) for row in db.session.execute(statement)]
