"""One run, from its wake-up to its end: take it, make its files, hand them over to one recipient after the other.

Safe to call twice, at any time, from any number of workers: whoever does not get the lease returns.
"""

from __future__ import annotations

import time
import traceback
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from portal import clock, failpoints
from portal.config import settings
from portal.delivery import ledger
from portal.exports.errors import ExportError
from portal.extensions import db
from portal.leases import Lease, LeaseLost, fence, heartbeat, new_owner, take
from portal.models import Run, RunState, write_session
from portal.plumbing import storage
from portal.plumbing.logs import log
from portal.runs import recover, settle, stopping
from portal.runs.deliver import deliver_all
from portal.runs.hand_back import hand_back
from portal.runs.keep import keep
from portal.runs.render import render
from portal.runs.stopping import StopAsked
from portal.runs.transitions import change_state, without_configuration

PROGRESS_SECONDS = 0.5
BACK_OFF = (timedelta(minutes=1), timedelta(minutes=5))
logger = log(__name__)


def make_run(run_id: uuid.UUID, token: str | None = None) -> bool:
    """Do all that can be done for the run now; False where it is not this worker's to take.

    `token` ends the name under which the lease is held, for whoever watches over this process.
    """
    taken = take(run_id, new_owner(token), clock.now())
    if taken is None:
        return False
    lease, state = taken
    failpoints.reach("take-after-commit")
    try:
        with heartbeat(lease) as still_ours:
            check = _both(still_ours, stopping.check)
            if state is RunState.RUNNING and not _render(lease, check):
                return True
            with write_session() as session:
                fence(session, lease, clock.now())
                ledger.recover_in_flight(session, run_id, clock.now())
                failpoints.reach("recover-before-commit")
            check()
            deliver_all(lease, check)
            failpoints.reach("settle-before")
            settle.settle(lease, clock.now())
            failpoints.reach("settle-after-commit")
    except LeaseLost:
        logger.warning("run left: another worker took it over", run_id=str(run_id), attempt=lease.attempt)
    except StopAsked:
        _given_back(lease)
    return True


def _given_back(lease: Lease) -> None:
    logger.info("run given back: this worker was asked to end", run_id=str(lease.run_id), attempt=lease.attempt)
    try:
        hand_back(lease, clock.now())
    except LeaseLost:
        logger.warning("run left: it is no longer this worker's", run_id=str(lease.run_id), attempt=lease.attempt)


def _both(first: Callable[[], None], second: Callable[[], None]) -> Callable[[], None]:
    def check() -> None:
        first()
        second()

    return check


def _render(lease: Lease, check: Callable[[], None]) -> bool:
    """Make and keep the files; True when the run is DELIVERING, False when it is over or is to be tried again."""
    try:
        run = _run(lease.run_id)
        files = render(run, lease, _progress(lease, check), check)
        delivering = keep(lease, run, files, clock.now())
        failpoints.reach("artifact-after-commit")
    except (LeaseLost, StopAsked):
        raise
    except Exception as error:
        logger.exception("making the file failed", run_id=str(lease.run_id), attempt=lease.attempt)
        _failed(lease, error, clock.now())
        return False
    finally:
        recover.wake_next(_schedule_of(lease.run_id))
    return delivering


def _schedule_of(run_id: uuid.UUID) -> uuid.UUID:
    with Session(db.engine) as session:
        return session.execute(sa.select(Run.schedule_id).where(Run.id == run_id)).scalar_one()


def _run(run_id: uuid.UUID) -> Run:
    """The row as it is now, held by no session while the files are made."""
    with Session(db.engine) as session:
        return session.get_one(Run, run_id)


def _progress(lease: Lease, check: Callable[[], None]) -> Callable[[int, int], None]:
    """Called after each page of rows: stops the work once the lease is lost, and shows how far it is, not too often."""
    last = 0.0

    def on_rows(written: int, expected: int) -> None:
        nonlocal last
        failpoints.reach("first-page")
        check()
        if time.monotonic() - last < PROGRESS_SECONDS:
            return
        last = time.monotonic()
        try:
            with write_session() as session:
                fence(session, lease, clock.now())
                values = {"rows_written": written, "rows_expected": expected}
                session.execute(sa.update(Run).where(Run.id == lease.run_id).values(values))
        except OperationalError:
            # the database is busy with another: no reason to throw the work away
            logger.warning("progress not shown", run_id=str(lease.run_id), exc_info=True)

    return on_rows


def _failed(lease: Lease, error: Exception, now: datetime) -> None:
    """Try again later where that may help and tries are left; else the run has failed, with the reason in words."""
    sentence = _storable(str(error)) if isinstance(error, (ExportError, storage.StorageError)) else _UNFORESEEN
    permanent = isinstance(error, (ExportError, storage.StorageError)) and error.permanent
    with write_session() as session:
        fence(session, lease, now)
        run = session.get_one(Run, lease.run_id, options=[without_configuration()])
        failures = run.generation_failures + 1
        columns = {
            "generation_failures": failures,
            "error_message": sentence,
            "error_details": _storable("".join(traceback.format_exception(error)))[-8_000:],
            "lease_owner": None,
            "lease_until": None,
        }
        if permanent or failures >= settings().generation_attempts:
            settle.fail(session, run, sentence, now=now, columns=columns)
            return
        again = now + BACK_OFF[min(failures, len(BACK_OFF)) - 1]
        change_state(
            session,
            run.id,
            RunState.RUNNING,
            RunState.QUEUED,
            now=now,
            reason=f"{sentence} It is tried again by itself.",
            columns={**columns, "not_before": again, "wake_after": again},
        )


def _storable(text: str) -> str:
    """Without what no database keeps (NUL, lone surrogates): the error must not be lost over its own words."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


_UNFORESEEN = "Making the file failed for a reason that was not foreseen; the details are kept with the run."
