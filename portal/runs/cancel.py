"""A person stops a run, whatever stands of it by then."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import audit
from portal.extensions import db as database
from portal.models import Run, RunState, write_session
from portal.runs import settle
from portal.runs.recover import wake_next
from portal.runs.states import OPEN
from portal.runs.transitions import RELEASED, Refused, change_state, locked_run


class Cancelled(StrEnum):
    """What a cancel came to."""

    NOW = "NOW"
    SOON = "SOON"
    """A worker has a recipient in hand; it finishes that one and stops."""


def cancel_run(organization_id: uuid.UUID, run_id: uuid.UUID, *, actor: audit.Actor, now: datetime) -> Cancelled:
    """Nothing is made or sent any more; what was accepted stays accepted. Asking twice changes nothing.

    Raises Refused for a run that is over.
    """
    with write_session() as db:
        run = locked_run(db, organization_id, run_id)
        before = run.state
        if before not in OPEN:
            raise Refused("This run is over already, so there is nothing left to cancel.")
        if before is RunState.DELIVERING and run.lease_until is not None and run.lease_until > now:
            _ask_the_worker(db, run, actor, now)
            return Cancelled.SOON
        _at_once(db, run, actor, now)
    if before is not RunState.DELIVERING:
        wake_next(run.schedule_id)
    return Cancelled.NOW


def _at_once(db: Session, run: Run, actor: audit.Actor, now: datetime) -> None:
    run.cancel_requested_at, run.cancel_requested_by = now, actor.name
    db.flush()
    if run.state is RunState.QUEUED:
        cancel_queued(db, run.id, f"Cancelled by {actor.name} before it was begun.", now=now, actor=actor)
    elif run.state is RunState.RUNNING:
        reason = f"Cancelled by {actor.name} while the file was being made. Nothing was sent."
        settle.cancel_running(db, run, reason, now=now, actor=actor)
    else:
        settle.end_cancelled(db, run, now=now, actor=actor)


def cancel_queued(db: Session, run_id: uuid.UUID, reason: str, *, now: datetime, actor: audit.Actor) -> bool:
    """QUEUED to CANCELLED; False where a worker was quicker. As it never began, its schedule's last run is another."""
    columns = {"finished_at": now, "wake_after": None, "ready_after": None, **RELEASED}
    queued, cancelled = RunState.QUEUED, RunState.CANCELLED
    return change_state(db, run_id, queued, cancelled, now=now, reason=reason, actor=actor, columns=columns)


def cancel_waiting(db: Session, schedule_id: uuid.UUID, reason: str, *, now: datetime, actor: audit.Actor) -> None:
    """Every run of the schedule that waits to be made is cancelled; those in a worker's hands go on.

    For a caller that holds the schedule's lock. Whoever holds a run may be waiting for that one, so that a run which
    is locked is not waited for here: `cancel_still_waiting` after the commit looks at it again.
    """
    for run_id in db.scalars(_waiting(schedule_id).with_for_update(skip_locked=True)).all():
        cancel_queued(db, run_id, reason, now=now, actor=actor)


def cancel_still_waiting(schedule_id: uuid.UUID, reason: str, *, now: datetime, actor: audit.Actor) -> None:
    """The same, holding one run at a time and no schedule."""
    with Session(database.engine) as session:
        run_ids = session.scalars(_waiting(schedule_id)).all()
    for run_id in run_ids:
        with write_session() as db:
            cancel_queued(db, run_id, reason, now=now, actor=actor)


def _waiting(schedule_id: uuid.UUID) -> sa.Select[uuid.UUID]:
    return sa.select(Run.id).where(Run.schedule_id == schedule_id, Run.state == RunState.QUEUED).order_by(Run.id)


def _ask_the_worker(db: Session, run: Run, actor: audit.Actor, now: datetime) -> None:
    if run.cancel_requested_at is not None:
        return
    run.cancel_requested_at, run.cancel_requested_by = now, actor.name
    run.reason = f"Being cancelled by {actor.name}: the recipient in hand is finished, and nobody after that."
    audit.record(
        db,
        organization_id=run.organization_id,
        at=now,
        actor=actor,
        action="run.cancel_requested",
        subject=("run", run.id),
    )
