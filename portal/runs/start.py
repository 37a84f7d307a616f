"""A run comes into being: one row per occurrence, its configuration frozen, before any work is done."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from portal import audit
from portal.config import VERSION
from portal.models import Run, RunKind, RunState
from portal.models.many_rows import insert_rows
from portal.runs.transitions import change_state

WAKE_AGAIN = timedelta(seconds=30)


@dataclass(frozen=True)
class NewRun:
    """One occurrence to be written down: to be made (QUEUED), or as MISSED with the reason."""

    organization_id: uuid.UUID
    schedule_id: uuid.UUID
    occurrence_key: str
    kind: RunKind
    state: RunState
    planned_for: datetime
    planned_local: str | None
    period_from: datetime | None
    period_to: datetime | None
    configuration: dict[str, Any]
    reason: str = ""
    late_seconds: int = 0
    requested_by_id: uuid.UUID | None = None
    requested_by: str = ""
    missed_first: datetime | None = None
    missed_count: int | None = None
    ready_after: datetime | None = None
    """Where it waits for data: since when an import counts; `not_before` is when it is made without."""
    not_before: datetime | None = None


def insert_runs(db: Session, new: Sequence[NewRun], *, now: datetime, actor: audit.Actor) -> list[uuid.UUID]:
    """Insert what is not there yet (by occurrence key) and return the ids of those to be made now, in order.

    The unique key decides, not a look before: whichever of two schedulers comes second inserts nothing.
    """
    if not new:
        return []
    rows = [_row(each, now) for each in new]
    inserted = set(insert_rows(db, Run, rows, once_by="occurrence_key", returning="id"))
    for each, row in zip(new, rows, strict=True):
        if row["id"] in inserted:
            audit.record(
                db,
                organization_id=each.organization_id,
                at=now,
                actor=actor,
                action=f"run.{each.state.value.lower()}",
                subject=("run", row["id"]),
                body={
                    "schedule": str(each.schedule_id),
                    "occurrence": each.occurrence_key,
                    "kind": each.kind.value,
                    "reason": each.reason,
                },
            )
    to_make = [row["id"] for row in rows if row["state"] is RunState.QUEUED and row["ready_after"] is None]
    return [run_id for run_id in to_make if run_id in inserted]


def _row(new: NewRun, now: datetime) -> dict[str, Any]:
    queued = new.state is RunState.QUEUED
    return {
        **vars(new),
        "id": uuid.uuid4(),
        "attempt": 0,
        "generation_failures": 0,
        "rows_written": 0,
        "reached": {},
        "software_version": VERSION,
        "queued_at": now,
        "wake_count": 1 if queued else 0,
        # one that waits for data is let go by the tick; the sweep looks after its latest time, should no tick come
        "wake_after": (new.not_before or now) + WAKE_AGAIN if queued else None,
        "finished_at": None if queued else now,
    }


_going = aliased(Run)
# made once: putting it together takes longer than the database needs to answer it
_WAITING_BEHIND_ANOTHER = (
    sa.select(Run.id)
    .where(
        Run.schedule_id.in_(sa.bindparam("schedule_ids", expanding=True)),
        Run.state == RunState.QUEUED,
        Run.kind == RunKind.PLANNED,
        Run.attempt == 0,
        sa.exists().where(
            _going.schedule_id == Run.schedule_id,
            _going.state == RunState.RUNNING,
            _going.kind == RunKind.PLANNED,
        ),
    )
    .with_for_update(of=Run, skip_locked=True)
)  # whose row another holds is being taken or cancelled, and waits no more


def skip_waiting(db: Session, schedule_ids: Sequence[uuid.UUID], *, now: datetime) -> int:
    """A third occurrence comes while one run of a schedule is being made and one waits: the waiting one is skipped.

    Counts ordinary planned runs only; returns how many were skipped.
    """
    if not schedule_ids:
        return 0
    waiting = db.scalars(_WAITING_BEHIND_ANOTHER, {"schedule_ids": list(schedule_ids)}).all()
    reason = "Skipped: the run before was still going when the next one came."
    return sum(
        change_state(
            db, run_id, RunState.QUEUED, RunState.SKIPPED, now=now, reason=reason, columns={"finished_at": now}
        )
        for run_id in waiting
    )
