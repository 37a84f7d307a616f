"""The sweep: runs that a dead worker left, and runs whose wake-up was lost, are found again."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import failpoints, notices
from portal.config import settings
from portal.extensions import db as database
from portal.models import IS_OPEN, Run, RunState, note_sign_of_life, write_session
from portal.plumbing import wakeups
from portal.plumbing.logs import log
from portal.runs import settle
from portal.runs.transitions import change_state, without_configuration

FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(minutes=10)
BATCH = 200
logger = log(__name__)


def sweep(now: datetime) -> int:
    """Take care of every run that lies about, and return how many. Safe at any time, any number at once."""
    note_sign_of_life("sweep", now)
    found = 0
    for run_id in _lapsed(now):
        found += _taken_care_of(give_back_lapsed, run_id, now)
    for run_id in _cancels_left(now):
        found += _taken_care_of(end_cancel, run_id, now)
    for run_id in _to_wake(now):
        found += _taken_care_of(wake_again, run_id, now)
    _tell(now)
    return found


def _tell(now: datetime) -> None:
    """Last, since it waits for the mail server; and trouble with mails is none of the runs'."""
    for step in (notices.tell_of_missed, notices.send_due):
        try:
            step(now)
        except Exception:
            logger.exception("notices were not written or sent; the next sweep tries again")


def _taken_care_of(care: Callable[[uuid.UUID, datetime], bool], run_id: uuid.UUID, now: datetime) -> bool:
    """One run that makes trouble must not keep the others from being found."""
    try:
        return care(run_id, now)
    except Exception:
        logger.exception("a run could not be taken care of; the next sweep tries again", run_id=str(run_id))
        return False


def _lapsed(now: datetime) -> list[uuid.UUID]:
    with Session(database.engine) as session:
        statement = sa.select(Run.id).where(IS_OPEN, Run.state == RunState.RUNNING, Run.lease_until <= now).limit(BATCH)
        return list(session.scalars(statement))


def give_back_lapsed(run_id: uuid.UUID, now: datetime) -> bool:
    """A run whose worker gave no sign of life: queued again, or failed when its tries are used up."""
    with write_session() as db:
        run = db.scalars(
            sa.select(Run)
            .where(Run.id == run_id, Run.state == RunState.RUNNING, Run.lease_until <= now)
            .options(without_configuration())
            .with_for_update()
        ).one_or_none()
        if run is None:
            return False
        logger.warning("a worker was lost", run_id=str(run_id), lease_owner=run.lease_owner, attempt=run.attempt)
        failures = run.generation_failures + 1
        released = {"lease_owner": None, "lease_until": None, "generation_failures": failures}
        if failures >= settings().generation_attempts:
            sentence = "The worker was lost each time this was tried, so it was given up."
            settle.fail(db, run, sentence, now=now, columns={"error_message": sentence, **released})
        else:
            change_state(
                db,
                run_id,
                RunState.RUNNING,
                RunState.QUEUED,
                now=now,
                reason="The worker that made it was lost; it is made again.",
                columns={"wake_after": now, **released},
            )
        failpoints.reach("lapsed-before-commit")
    failpoints.reach("lapsed-after-commit")
    wake_next(run.schedule_id)
    return True


def wake_next(schedule_id: uuid.UUID) -> None:
    """The next run of the schedule may have waited for the one that is no longer being made."""
    with Session(database.engine) as session:
        waiting = session.execute(
            sa.select(Run.id, Run.wake_count)
            .where(Run.schedule_id == schedule_id, Run.state == RunState.QUEUED, Run.attempt == 0)
            .where(Run.ready_after.is_(None))  # one that waits for data is woken when that is there
            .order_by(Run.planned_for, Run.id)
            .limit(1)
        ).one_or_none()
    if waiting is not None:
        wakeups.wake_run(waiting.id, waiting.wake_count)


def _cancels_left(now: datetime) -> list[uuid.UUID]:
    """A person asked a worker to stop, and nobody has the run in hand any more."""
    with Session(database.engine) as session:
        statement = sa.select(Run.id).where(IS_OPEN, _cancel_left(now)).limit(BATCH)
        return list(session.scalars(statement))


def _cancel_left(now: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(Run.state == RunState.DELIVERING, Run.cancel_requested_at.is_not(None), _free(now))


def end_cancel(run_id: uuid.UUID, now: datetime) -> bool:
    """What the worker was asked to do is done in its place."""
    with write_session() as db:
        run = db.scalars(
            sa.select(Run)
            .where(Run.id == run_id, _cancel_left(now))
            .options(without_configuration())
            .with_for_update(skip_locked=True)
        ).one_or_none()
        if run is None:
            return False
        settle.end_cancelled(db, run, now=now)
        failpoints.reach("cancel-left-before-commit")
    return True


def _to_wake(now: datetime) -> list[uuid.UUID]:
    """QUEUED or DELIVERING, in nobody's hands, and past the time at which somebody should have looked."""
    with Session(database.engine) as session:
        statement = (
            sa.select(Run.id)
            .where(IS_OPEN, Run.state.in_([RunState.QUEUED, RunState.DELIVERING]), Run.wake_after <= now, _free(now))
            .order_by(Run.planned_for)
            .limit(BATCH)
        )
        return list(session.scalars(statement))


def _free(now: datetime) -> sa.ColumnElement[bool]:
    return sa.or_(Run.lease_until.is_(None), Run.lease_until <= now)


def wake_again(run_id: uuid.UUID, now: datetime) -> bool:
    """Another wake-up under another number, and the next one later: the wait doubles up to ten minutes."""
    with write_session() as db:
        run = db.scalars(
            sa.select(Run)
            .where(Run.id == run_id, Run.wake_after <= now, _free(now))
            .options(without_configuration())
            .with_for_update(skip_locked=True)
        ).one_or_none()
        if run is None or run.state not in {RunState.QUEUED, RunState.DELIVERING}:
            return False
        run.wake_count += 1
        run.wake_after = now + min(FIRST_WAIT * 2 ** min(run.wake_count, 10), LONGEST_WAIT)
        wake_count = run.wake_count
    failpoints.reach("wake-after-commit")
    return wakeups.wake_run(run_id, wake_count)
