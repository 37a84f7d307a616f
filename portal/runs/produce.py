"""A planned moment that was missed is produced after all: the same row, the same period, only late."""

from __future__ import annotations

import uuid
from datetime import datetime

import sqlalchemy as sa

from portal import audit
from portal.models import Run, RunKind, RunState, Schedule, ScheduleState, write_session
from portal.plumbing import wakeups
from portal.runs.start import WAKE_AGAIN
from portal.runs.transitions import Refused, change_state, locked_run

REFUSALS = {
    ScheduleState.DELETED: "The schedule was deleted, so what it missed can no longer be produced.",
    ScheduleState.AWAITING_APPROVAL: "The schedule waits for approval, so nothing of it can be produced yet.",
}


def produce_missed(organization_id: uuid.UUID, run_id: uuid.UUID, *, actor: audit.Actor, now: datetime) -> None:
    """MISSED to QUEUED. A row that stands for many moments produces the last of them. Allowed while paused.

    Asking twice changes nothing. Raises Refused.
    """
    with write_session() as db:
        # in this order, as whoever deletes a schedule: the schedule, then its runs
        schedule_state = db.scalar(
            sa.select(Schedule.state)
            .join(Run, Run.schedule_id == Schedule.id)
            # only then: whoever makes the run locks it first, and the schedule at its end
            .where(Run.id == run_id, Run.organization_id == organization_id, Run.state == RunState.MISSED)
            .with_for_update(of=Schedule)
        )
        run = locked_run(db, organization_id, run_id)
        if run.state is not RunState.MISSED:
            if run.requested_by and run.kind is RunKind.CATCH_UP:
                return
            raise Refused("Only a run that was missed can be produced after all.")
        if schedule_state in REFUSALS:
            raise Refused(REFUSALS[schedule_state])
        change_state(
            db,
            run_id,
            RunState.MISSED,
            RunState.QUEUED,
            now=now,
            reason=f"Missed at its time; {actor.name} asked to produce it now.",
            actor=actor,
            columns={
                "kind": RunKind.CATCH_UP,
                "late_seconds": int((now - run.planned_for).total_seconds()),
                "requested_by_id": actor.id,
                "requested_by": actor.name,
                "queued_at": now,
                "finished_at": None,
                "wake_after": now + WAKE_AGAIN,
                "wake_count": 1,
            },
        )
    wakeups.wake_run(run_id, 1)
