"""One mail to each owner about all that was missed, once the tick has caught up: not one mail for each moment."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.extensions import db as database
from portal.models import Run, RunState, Schedule, ScheduleState, User, write_session
from portal.notices import texts
from portal.notices.people import Recipient, admins
from portal.notices.post import post

LONGEST_WAIT = timedelta(minutes=10)
UNTOLD = (Run.state == RunState.MISSED, Run.told_at.is_(None))


def tell_of_missed(now: datetime) -> int:
    """Write the summaries that are ripe and return for how many organizations there were any."""
    with Session(database.engine) as session:
        found = session.execute(
            sa.select(Run.organization_id, sa.func.min(Run.finished_at)).where(*UNTOLD).group_by(Run.organization_id)
        ).all()
        ripe = [
            organization_id
            for organization_id, oldest in found
            if oldest is None or oldest <= now - LONGEST_WAIT or not _still_catching_up(session, organization_id, now)
        ]
    for organization_id in ripe:
        _tell(organization_id, now)
    return len(ripe)


def _still_catching_up(db: Session, organization_id: uuid.UUID, now: datetime) -> bool:
    due = sa.exists().where(
        Schedule.organization_id == organization_id,
        Schedule.state == ScheduleState.ACTIVE,
        Schedule.next_run_at <= now,
        sa.or_(Schedule.parked_until.is_(None), Schedule.parked_until <= now),
    )
    return bool(db.scalar(sa.select(due)))


def _tell(organization_id: uuid.UUID, now: datetime) -> None:
    """Marked and told in one transaction: of two sweeps the second finds nothing to mark."""
    with write_session() as db:
        rows = db.execute(
            sa.update(Run)
            .where(Run.organization_id == organization_id, *UNTOLD)
            .values(told_at=now)
            .returning(Run.id, Run.schedule_id, Run.planned_for, Run.missed_first, Run.missed_count)
            .execution_options(synchronize_session=False)
        ).all()
        for owner, missed in _by_owner(db, organization_id, rows).items():
            missed.sort(key=lambda line: (line.schedule, line.planned_for))
            words = texts.missed(missed, ownerless=owner is None)
            post(
                db,
                organization_id=organization_id,
                key=f"missed:{organization_id}:{now.isoformat()}:{owner[0] if owner else 'ownerless'}",
                kind="MISSED",
                to=[owner] if owner else admins(db, organization_id),
                subject=words.subject,
                text=words.text,
                now=now,
            )


def _by_owner(
    db: Session, organization_id: uuid.UUID, rows: Sequence[Any]
) -> dict[Recipient | None, list[texts.MissedLine]]:
    """None: schedules whose owner cannot sign in. Schedules that were deleted since are left out."""
    statement = (
        sa.select(Schedule.id, Schedule.name, Schedule.timezone, User.id, User.email)
        .outerjoin(User, sa.and_(User.id == Schedule.owner_id, User.active))
        .where(Schedule.organization_id == organization_id, Schedule.state != ScheduleState.DELETED)
    )
    schedules = {row[0]: row for row in db.execute(statement)}
    lines: dict[Recipient | None, list[texts.MissedLine]] = defaultdict(list)
    for row in rows:
        if (schedule := schedules.get(row.schedule_id)) is None:
            continue
        _, name, zone_name, user_id, address = schedule
        line = texts.MissedLine(name, zone_name, row.planned_for, row.missed_first, row.missed_count or 1)
        lines[(user_id, address) if user_id else None].append(line)
    return lines
