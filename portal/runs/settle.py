"""How a run ends: from its deliveries, in one transaction with the schedule's summary and the audit event."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import audit, failpoints
from portal.delivery import by_hand, ledger
from portal.leases import Lease, fence
from portal.models import Artifact, Delivery, DeliveryState, Run, RunState, write_session
from portal.runs import backup
from portal.runs.outcome import counts, standings, summary
from portal.runs.sending import why_unsent
from portal.runs.states import Standing, end_of
from portal.runs.streaks import note_end
from portal.runs.transitions import RELEASED, change_state, without_configuration


def settle(lease: Lease, now: datetime) -> RunState | None:
    """End the run if all its deliveries have ended; else let go of it until the next one is due (None)."""
    with write_session() as db:
        fence(db, lease, now)
        run = db.get_one(Run, lease.run_id, options=[without_configuration()])
        if run.cancel_requested_at is not None:
            end_cancelled(db, run, now=now)
            return RunState.CANCELLED
        rows = standings(db, run.id)
        end = end_of(rows)
        if end is None:
            _let_go(db, run, rows, now)
        else:
            backup.conclude(db, run.id, now=now)
            columns = {"reached": counts(rows), **RELEASED}
            reason = summary(rows) if rows else _why_unsent(db, run.id)
            _end(db, run, RunState.DELIVERING, end, reason, now=now, columns=columns)
            failpoints.reach("settle-before-commit")
    return end


def _why_unsent(db: Session, run_id: uuid.UUID) -> str:
    """Of a run that sent no recipient of its schedule anything."""
    return why_unsent(db.scalars(sa.select(Artifact).where(Artifact.run_id == run_id, Artifact.not_sent != "")).all())


def _let_go(db: Session, run: Run, rows: Sequence[Standing], now: datetime) -> None:
    due = db.scalar(sa.select(sa.func.min(Delivery.next_attempt_at)).where(Delivery.run_id == run.id)) or now
    db.execute(
        sa.update(Run)
        .where(Run.id == run.id)
        .values(wake_after=due, wake_count=Run.wake_count + 1, reason=_waiting(rows), **RELEASED)
        .execution_options(synchronize_session=False)
    )


def end_cancelled(db: Session, run: Run, *, now: datetime, actor: audit.Actor = audit.system) -> None:
    """DELIVERING to CANCELLED: what was accepted stays accepted, what is not yet sent is not sent any more.

    Whoever calls holds the run's lock, and knows that no worker has a recipient in hand.
    """
    ledger.recover_in_flight(db, run.id, now)
    by_hand.cancel_waiting(db, run.id)
    rows = standings(db, run.id)
    columns = {"reached": counts(rows), **RELEASED}
    _end(db, run, RunState.DELIVERING, RunState.CANCELLED, outcome(run, rows), now=now, columns=columns, actor=actor)


def outcome(run: Run, rows: Sequence[Standing]) -> str:
    """The reason of a run that is over."""
    by = f"Cancelled by {run.cancel_requested_by}. " if run.cancel_requested_by else ""
    return by + summary(rows)


def fail(db: Session, run: Run, sentence: str, *, now: datetime, columns: Mapping[str, Any]) -> None:
    """The file could not be made: RUNNING to FAILED."""
    _end(db, run, RunState.RUNNING, RunState.FAILED, sentence, now=now, columns=columns)


def end_unsent(
    db: Session, run: Run, reason: str, *, now: datetime, body: Mapping[str, Any], columns: Mapping[str, Any]
) -> bool:
    """The files are made and, as the schedule asks, nobody is sent any: RUNNING to SUCCEEDED. False: it was not."""
    over = {"reached": {}, **RELEASED, **columns}
    return _end(db, run, RunState.RUNNING, RunState.SUCCEEDED, reason, now=now, body=body, columns=over)


def cancel_running(db: Session, run: Run, reason: str, *, now: datetime, actor: audit.Actor) -> None:
    """RUNNING to CANCELLED. Whoever makes the file finds its lease gone and writes nothing any more."""
    _end(db, run, RunState.RUNNING, RunState.CANCELLED, reason, now=now, columns=RELEASED, actor=actor)


def _end(
    db: Session,
    run: Run,
    before: RunState,
    end: RunState,
    reason: str,
    *,
    now: datetime,
    columns: Mapping[str, Any],
    body: Mapping[str, Any] | None = None,
    actor: audit.Actor = audit.system,
) -> bool:
    over = {"finished_at": now, "wake_after": None, **columns}
    if not change_state(db, run.id, before, end, now=now, reason=reason, actor=actor, body=body, columns=over):
        return False
    note_end(db, run, end, reason, now=now)
    return True


def _waiting(rows: Sequence[Standing]) -> str:
    waiting = sum(row.state is DeliveryState.PENDING for row in rows)
    return f"{len(rows) - waiting} of {len(rows)} are done; {waiting} could not be reached yet and is tried again."
