"""Runs that wait for the day's import: from when, until when, and who lets them go (A13)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import audit
from portal.models import CaseImport, ImportState, Run, RunState, write_session
from portal.moments import moment_in_words
from portal.plumbing import wakeups
from portal.schedules.rule import Occurrence

BATCH = 100
SWEEP_AFTER = timedelta(seconds=30)
_REASONS = {
    True: "The import of the day is in.",
    False: "The import of the day had not come by the latest time: made of the register as it was.",
}


@dataclass(frozen=True)
class Wait:
    """An import that ended at `data_from` or later is the day's; `latest` is when it is made without."""

    data_from: datetime
    latest: datetime
    words: str


def wait_for_data(ready_by: str | None, landed: Occurrence, now: datetime) -> Wait | None:
    """None where the schedule does not wait, or its latest time ("HH:MM" of the day it is made for) has passed."""
    if ready_by is None:
        return None
    day, place = landed.local_date, landed.zone
    latest = datetime.combine(day, time.fromisoformat(ready_by), place).astimezone(UTC)
    if latest <= max(now, landed.instant):
        return None
    midnight = datetime.combine(day, time(), place).astimezone(UTC)
    words = f"Waits for the import of the day, until {moment_in_words(latest, place)} at the latest."
    return Wait(midnight, latest, words)


def release(now: datetime) -> int:
    """Let go of every run whose data has come or whose latest time is there; how many there were."""
    released = 0
    while True:
        with write_session() as db:
            ids = _release_batch(db, now)
        wakeups.wake_runs([(run_id, 1) for run_id in ids])
        released += len(ids)
        if len(ids) < BATCH:
            return released


def _release_batch(db: Session, now: datetime) -> list[uuid.UUID]:
    """Asks the few that wait alone, by their own index; another tick that does the same leaves these out."""
    there = _data_is_there(now)
    waiting = db.execute(
        sa.select(Run.id, Run.organization_id, there.label("is_there"))
        .where(Run.ready_after.is_not(None), Run.state == RunState.QUEUED, sa.or_(Run.not_before <= now, there))
        .order_by(Run.planned_for)
        .limit(BATCH)
        .with_for_update(skip_locked=True, of=Run)
    ).all()
    for is_there, reason in _REASONS.items():
        ids = [row.id for row in waiting if bool(row.is_there) is is_there]
        db.execute(
            sa.update(Run)
            .where(Run.id.in_(ids))
            .values(ready_after=None, not_before=now, wake_after=now + SWEEP_AFTER, reason=reason)
            .execution_options(synchronize_session=False)
        )
    for row in waiting:
        audit.record(
            db,
            organization_id=row.organization_id,
            at=now,
            actor=audit.system,
            action="run.released",
            subject=("run", row.id),
            body={"reason": _REASONS[bool(row.is_there)], "data_is_in": bool(row.is_there)},
        )
    return [row.id for row in waiting]


def _data_is_there(now: datetime) -> sa.ColumnElement[bool]:
    return (
        sa.select(CaseImport.id)
        .where(
            CaseImport.organization_id == Run.organization_id,
            CaseImport.state == ImportState.SUCCEEDED,
            CaseImport.finished_at >= Run.ready_after,
            CaseImport.finished_at <= now,
        )
        .exists()
    )
