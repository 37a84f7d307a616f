"""What a run's end means for its schedule: how it went last, its failures in a row, and whom that is told.

| end | failures in a row | mail |
|---|---|---|
| FAILED | one more | owner and admins, the first time in a stretch of trouble |
| PARTIAL | none: the export works | owner, the first time in a stretch of trouble |
| SUCCEEDED | none | all who were told of the trouble: it works again |
| CANCELLED | as before | none |

A stretch of trouble begins with the first FAILED or PARTIAL and ends with a SUCCEEDED; a change of the schedule by a
person begins a new one, so that they hear whether it helped. A run that a person started by hand tells nobody that it
failed, since they stand before it, but its success ends the trouble.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import notices
from portal.models import Notice, Run, RunKind, RunState, Schedule, ScheduleState, User
from portal.notices import texts

TROUBLE = (RunState.FAILED, RunState.PARTIAL)


def note_end(db: Session, run: Run, end: RunState, reason: str, *, now: datetime) -> None:
    """In the transaction that ends the run. Reads no more of the schedule than it needs: the rest may be broken."""
    schedule = db.execute(_columns().where(Schedule.id == run.schedule_id).with_for_update()).one()
    newest = schedule.last_run_at is None or schedule.last_run_at <= run.planned_for
    values: dict[str, Any] = {"last_run_at": run.planned_for, "last_run_status": end.value}
    if not newest:
        if end in TROUBLE and run.kind is not RunKind.RUN_NOW:
            # it ended after a later one; that is told, but counts no more
            _tell(db, schedule, run, end, reason, f"before {schedule.last_run_at.isoformat()}", now)
        return
    if end is RunState.SUCCEEDED:
        values |= {"failure_streak": 0, "failure_told_at": None}
        if schedule.failure_told_at is not None:
            _tell_recovered(db, schedule, run, now)
    elif end in TROUBLE and run.kind is not RunKind.RUN_NOW:
        told_at = schedule.failure_told_at or now
        values |= {"failure_streak": _streak(schedule, run, end), "failure_told_at": told_at}
        _tell(db, schedule, run, end, reason, f"{told_at.isoformat()}:{schedule.revision}", now)
    db.execute(
        sa.update(Schedule)
        .where(Schedule.id == run.schedule_id)
        .values(values)
        .execution_options(synchronize_session=False)
    )


def _columns() -> sa.Select[*tuple[Any, ...]]:
    return sa.select(
        Schedule.id,
        Schedule.organization_id,
        Schedule.name,
        Schedule.timezone,
        Schedule.state,
        Schedule.revision,
        Schedule.owner_id,
        Schedule.last_run_at,
        Schedule.last_run_status,
        Schedule.failure_streak,
        Schedule.failure_told_at,
    )


def _streak(schedule: sa.Row[*tuple[Any, ...]], run: Run, end: RunState) -> int:
    if end is not RunState.FAILED:
        return 0
    # a run that a person had tried again and that failed again is the same failure
    counted = schedule.last_run_at == run.planned_for and schedule.last_run_status == RunState.FAILED.value
    before: int = schedule.failure_streak
    return max(1, before + (0 if counted else 1))


def _tell(
    db: Session, schedule: sa.Row[*tuple[Any, ...]], run: Run, end: RunState, reason: str, stretch: str, now: datetime
) -> None:
    if schedule.state is ScheduleState.DELETED:
        return
    people = notices.owner_and_admins if end is RunState.FAILED else notices.owner_or_admins
    say = texts.failed if end is RunState.FAILED else texts.partial
    words = say(schedule.name, schedule.timezone, run.planned_for, reason, run.id)
    notices.post(
        db,
        organization_id=schedule.organization_id,
        key=f"{_about(schedule)}{stretch}:{end.value}",
        kind=end.value,
        to=people(db, schedule.organization_id, schedule.owner_id),
        subject=words.subject,
        text=words.text,
        now=now,
    )


def _tell_recovered(db: Session, schedule: sa.Row[*tuple[Any, ...]], run: Run, now: datetime) -> None:
    if schedule.state is ScheduleState.DELETED:
        return
    told = (
        sa.select(Notice.user_id, User.email)
        .join(User, sa.and_(User.id == Notice.user_id, User.active))
        .where(
            Notice.organization_id == schedule.organization_id,
            Notice.created_at >= schedule.failure_told_at,
            Notice.key.startswith(_about(schedule), autoescape=True),
        )
        .distinct()
    )
    words = texts.recovered(schedule.name, schedule.timezone, run.planned_for, run.id)
    notices.post(
        db,
        organization_id=schedule.organization_id,
        key=f"recovered:{schedule.id}:{schedule.failure_told_at.isoformat()}",
        kind="RECOVERED",
        to=[(row.user_id, row.email) for row in db.execute(told)],
        subject=words.subject,
        text=words.text,
        now=now,
    )


def _about(schedule: sa.Row[*tuple[Any, ...]]) -> str:
    return f"trouble:{schedule.id}:"
