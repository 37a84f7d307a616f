"""How a run ends: from its deliveries, in one transaction with the schedule's summary and the audit event."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import audit, failpoints
from portal.delivery import ledger
from portal.leases import Lease, fence
from portal.models import Artifact, Delivery, DeliveryState, Run, RunState, Schedule, write_session
from portal.plumbing import wakeups
from portal.runs.states import RETRIABLE_BY_A_PERSON, end_of
from portal.runs.transitions import change_state, without_configuration


class CannotRetry(Exception):  # noqa: N818  # a refusal, said to the person in one sentence
    """Nothing of this run can be sent again; the text says why."""


def settle(lease: Lease, now: datetime) -> RunState | None:
    """End the run if all its deliveries have ended; else let go of it until the next one is due (None)."""
    with write_session() as db:
        fence(db, lease, now)
        run = db.get_one(Run, lease.run_id, options=[without_configuration()])
        rows = db.execute(
            sa.select(Delivery.destination, Delivery.state, Delivery.next_attempt_at).where(Delivery.run_id == run.id)
        ).all()
        end = end_of((row.destination, row.state) for row in rows)
        released = {"lease_owner": None, "lease_until": None}
        if end is None:
            due = min((row.next_attempt_at for row in rows if row.next_attempt_at), default=now)
            db.execute(
                sa.update(Run)
                .where(Run.id == run.id)
                .values(wake_after=due, wake_count=Run.wake_count + 1, reason=_waiting(rows), **released)
                .execution_options(synchronize_session=False)
            )
        else:
            columns = {"reached": _reached(rows), **released}
            _end(db, run, RunState.DELIVERING, end, _summary(rows), now=now, columns=columns)
        failpoints.reach("settle-before-commit")
        return end


def fail(db: Session, run: Run, sentence: str, *, now: datetime, columns: Mapping[str, Any]) -> None:
    """The file could not be made: RUNNING to FAILED."""
    _end(db, run, RunState.RUNNING, RunState.FAILED, sentence, now=now, columns=columns)


def _end(
    db: Session, run: Run, before: RunState, end: RunState, reason: str, *, now: datetime, columns: Mapping[str, Any]
) -> None:
    over = {"finished_at": now, "wake_after": None, **columns}
    if not change_state(db, run.id, before, end, now=now, reason=reason, columns=over):
        return
    values = {
        "last_run_at": run.planned_for,
        "last_run_status": end.value,
        "failure_streak": Schedule.failure_streak + 1 if end is RunState.FAILED else 0,
    }
    newest = sa.or_(Schedule.last_run_at.is_(None), Schedule.last_run_at <= run.planned_for)
    db.execute(
        sa.update(Schedule)
        .where(Schedule.id == run.schedule_id, newest)
        .values(values)
        .execution_options(synchronize_session=False)
    )


def retry_failed(organization_id: uuid.UUID, run_id: uuid.UUID, *, actor: audit.Actor, now: datetime) -> None:
    """Try those who were refused, given up or blocked again; nobody who has it gets it twice. Raises CannotRetry."""
    with write_session() as db:
        run = db.scalars(
            sa.select(Run).where(Run.id == run_id, Run.organization_id == organization_id).with_for_update()
        ).one_or_none()
        if run is None or run.state not in {RunState.PARTIAL, RunState.FAILED}:
            raise CannotRetry("There is nothing to try again: the run is not over, or everybody has it.")
        gone = db.scalar(sa.select(sa.func.count()).where(Artifact.run_id == run_id, Artifact.deleted_at.is_not(None)))
        if gone:
            raise CannotRetry("The file of this run was deleted when its time was over, so it cannot be sent again.")
        targets = ledger.reopen(db, run_id, list(RETRIABLE_BY_A_PERSON), now)
        if not targets:
            raise CannotRetry("There is nobody to try again: no address was refused or given up.")
        change_state(
            db,
            run_id,
            run.state,
            RunState.DELIVERING,
            now=now,
            reason="Being tried again.",
            actor=actor,
            body={"again": targets},
            columns={"finished_at": None, "wake_after": now, "wake_count": run.wake_count + 1},
        )
        wake_count = run.wake_count + 1
    wakeups.wake_run(run_id, wake_count)


_WORDS = {
    DeliveryState.REJECTED: "refused",
    DeliveryState.EXPIRED: "given up after 24 hours",
    DeliveryState.BLOCKED: "blocked by policy",
    DeliveryState.UNKNOWN: "not certain",
    DeliveryState.CANCELLED: "cancelled",
    DeliveryState.BOUNCED: "bounced",
}


def _summary(rows: Any) -> str:
    """ "Accepted for 2 of 3 destinations; 1 refused." """
    counts = Counter(row.state for row in rows)
    reached = counts[DeliveryState.ACCEPTED]
    noun = "destination" if len(rows) == 1 else "destinations"
    text = f"Accepted for {reached} of {len(rows)} {noun}"
    others = ", ".join(f"{counts[state]} {words}" for state, words in _WORDS.items() if counts[state])
    return f"{text}; {others}." if others else f"{text}."


def _waiting(rows: Any) -> str:
    waiting = sum(row.state is DeliveryState.PENDING for row in rows)
    return f"{len(rows) - waiting} of {len(rows)} are done; {waiting} could not be reached yet and is tried again."


def _reached(rows: Any) -> dict[str, int]:
    return {state.value: count for state, count in Counter(row.state for row in rows).items()}
