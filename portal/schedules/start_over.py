"""An export of changes begins anew: its next run holds everything, whatever was delivered before."""

from __future__ import annotations

import uuid
from datetime import datetime

import sqlalchemy as sa

from portal import audit, clock
from portal.models import Schedule, ScheduleState, write_session


class CannotStartOver(Exception):  # noqa: N818  # a refusal, said to the person in one sentence
    """There is nothing to start over; the text says why."""


def start_over(organization_id: uuid.UUID, schedule_id: uuid.UUID, *, actor: audit.Actor) -> None:
    """The next run that is begun has all cases, each as new. Raises CannotStartOver.

    The moment is read off the clock once the schedule is locked, and so is the one at which a run settles what it
    counts from (`portal.runs.window`): whichever comes second knows of the first.
    """
    with write_session() as db:
        schedule = db.scalars(
            sa.select(Schedule)
            .where(
                Schedule.id == schedule_id,
                Schedule.organization_id == organization_id,
                Schedule.state != ScheduleState.DELETED,
            )
            .with_for_update()
        ).one_or_none()
        if schedule is None:
            raise CannotStartOver("This schedule is no longer there.")
        if not schedule.only_changes:
            raise CannotStartOver("This schedule sends everything each time, so there is nothing to start over.")
        now: datetime = clock.now()
        before = schedule.changes_restart_at
        schedule.changes_restart_at = now
        audit.record(
            db,
            organization_id=organization_id,
            at=now,
            actor=actor,
            action="schedule.changes_started_over",
            subject=("schedule", schedule_id),
            body={"name": schedule.name, "before": before.isoformat() if before else None, "after": now.isoformat()},
        )
