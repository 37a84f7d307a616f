"""The hard limits of a run, as kept from outside by the process that started its worker.

The worker itself may hang in a query or be out of memory, so it is killed first; what then becomes of its run is
written here, each time under the condition that the run is still that worker's.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.extensions import db as database
from portal.leases import Lease
from portal.models import Run, RunState, updated_rows, write_session
from portal.plumbing import wakeups
from portal.runs import recover, settle
from portal.runs.transitions import without_configuration


@dataclass(frozen=True)
class Held:
    """A run in the hands of one worker."""

    lease: Lease
    state: RunState
    schedule_id: uuid.UUID


def held_by(run_id: uuid.UUID, token: str) -> Held | None:
    """The run as the holder whose name ends in `token` has it; None where it is not, or no longer, that holder's."""
    statement = sa.select(Run.lease_owner, Run.attempt, Run.state, Run.schedule_id).where(
        Run.id == run_id,
        Run.lease_owner.endswith(f":{token}", autoescape=True),
        Run.state.in_([RunState.RUNNING, RunState.DELIVERING]),
    )
    with Session(database.engine) as session:
        row = session.execute(statement).one_or_none()
    if row is None:
        return None
    return Held(Lease(run_id, row.lease_owner, row.attempt), row.state, row.schedule_id)


def fail(held: Held, sentence: str, now: datetime) -> bool:
    """Its worker went past a limit while making the file and was killed: RUNNING to FAILED, not tried again.

    False where the run is no longer that worker's.
    """
    with write_session() as db:
        run = db.scalars(
            sa.select(Run)
            .where(*_still(held.lease), Run.state == RunState.RUNNING)
            .options(without_configuration())
            .with_for_update()
        ).one_or_none()
        if run is None:
            return False
        columns = {
            "error_message": sentence,
            "generation_failures": run.generation_failures + 1,
            "lease_owner": None,
            "lease_until": None,
        }
        settle.fail(db, run, sentence, now=now, columns=columns)
    recover.wake_next(held.schedule_id)
    return True


def release(held: Held, now: datetime) -> bool:
    """Its worker was killed while delivering: whoever takes the run next says what can be known of the one in hand.

    False where the run is no longer that worker's.
    """
    with write_session() as db:
        statement = (
            sa.update(Run)
            .where(*_still(held.lease), Run.state == RunState.DELIVERING)
            .values(lease_owner=None, lease_until=None, wake_after=now, wake_count=Run.wake_count + 1)
        )
        if updated_rows(db, statement) != 1:
            return False
        wake_count = db.scalar(sa.select(Run.wake_count).where(Run.id == held.lease.run_id)) or 0
    wakeups.wake_run(held.lease.run_id, wake_count)
    return True


def _still(lease: Lease) -> tuple[sa.ColumnElement[bool], ...]:
    return Run.id == lease.run_id, Run.lease_owner == lease.owner, Run.attempt == lease.attempt


def too_long(limit: timedelta) -> str:
    return (
        f"Making the file took longer than {_in_words(limit)}, the limit, and was stopped. "
        "Narrow the filters or the period, or ask an operator to raise the limit."
    )


def too_big(limit_mb: int) -> str:
    return (
        f"Making the file took more than {limit_mb:,} MB of memory, the limit, and was stopped. "
        "Narrow the filters or the period, or ask an operator to raise the limit."
    )


def _in_words(limit: timedelta) -> str:
    """In minutes, as the limit is spoken of, or in seconds where it is no whole number of them."""
    seconds = int(limit.total_seconds())
    number, unit = (seconds // 60, "minute") if seconds % 60 == 0 else (seconds, "second")
    return f"{number:,} {unit}" if number == 1 else f"{number:,} {unit}s"
