"""A schedule that fails again and again is paused, so that nobody gets used to its mails. Its people are told why."""

from __future__ import annotations

import uuid
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session, selectinload

from portal import audit, notices
from portal.config import settings
from portal.extensions import db as database
from portal.models import Schedule, ScheduleState, write_session
from portal.notices import texts
from portal.plumbing.logs import log
from portal.schedules.start_due import skip_due

logger = log(__name__)


def pause_failing(now: datetime) -> int:
    """Pause every active schedule that failed too many times in a row; returns how many. The tick does it first."""
    limit = settings().pause_after_failures
    if not limit:
        return 0
    failing = (
        sa.select(Schedule)
        # "more than 0" in the index's own words, which SQLite uses only so
        .where(
            sa.text("schedules.failure_streak > 0"),
            Schedule.failure_streak >= limit,
            Schedule.state == ScheduleState.ACTIVE,
        )
        .options(selectinload(Schedule.destinations))
    )
    with Session(database.engine) as session:
        ids = session.scalars(failing.with_only_columns(Schedule.id)).all()
    return sum(_pause(failing, schedule_id, now) for schedule_id in ids)


def _pause(failing: sa.Select[Schedule], schedule_id: uuid.UUID, now: datetime) -> bool:
    try:
        with write_session() as db:
            statement = failing.where(Schedule.id == schedule_id).with_for_update(skip_locked=True)
            schedule = db.scalars(statement).one_or_none()
            if schedule is None:
                return False
            _paused(db, schedule, now)
    except Exception:
        logger.exception("a failing schedule could not be paused; tried again", schedule_id=str(schedule_id))
        return False
    return True


def _paused(db: Session, schedule: Schedule, now: datetime) -> None:
    failures = schedule.failure_streak
    reason = f"Paused by Duepost: it failed {failures} times in a row."
    skip_due(db, schedule, "Skipped: the schedule was paused because it failed too often.", now)
    schedule.state, schedule.state_reason = ScheduleState.PAUSED, reason
    schedule.next_run_at = schedule.next_local = schedule.resume_at = None
    schedule.revision += 1
    schedule.updated_at = now
    audit.record(
        db,
        organization_id=schedule.organization_id,
        at=now,
        actor=audit.system,
        action="schedule.paused",
        subject=("schedule", schedule.id),
        body={"name": schedule.name, "reason": reason, "resume_at": None, "failures": failures},
    )
    words = texts.paused(schedule.name, failures, schedule.id)
    notices.post(
        db,
        organization_id=schedule.organization_id,
        key=f"paused:{schedule.id}:{schedule.revision}",
        kind="PAUSED",
        to=notices.owner_and_admins(db, schedule.organization_id, schedule.owner_id),
        subject=words.subject,
        text=words.text,
        now=now,
    )
