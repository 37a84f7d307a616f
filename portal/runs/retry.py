"""A run that was over is delivered again: to those it did not reach, from the file that is stored."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import audit
from portal.delivery import by_hand
from portal.models import Artifact, Run, RunState, write_session
from portal.plumbing import wakeups
from portal.runs.states import RETRIABLE_BY_A_PERSON
from portal.runs.transitions import Refused, change_state, locked_run


def retry_failed(organization_id: uuid.UUID, run_id: uuid.UUID, *, actor: audit.Actor, now: datetime) -> None:
    """Try those who were refused, given up or blocked again; nobody who has it gets it twice. Raises Refused."""
    with write_session() as db:
        run = locked_run(db, organization_id, run_id)
        if run.state not in {RunState.PARTIAL, RunState.FAILED}:
            raise Refused("There is nothing to try again: the run is not over, sent nothing, or everybody has it.")
        check_file_is_kept(db, run_id)
        targets = by_hand.reopen(db, run_id, RETRIABLE_BY_A_PERSON, actor=actor, now=now)
        if not targets:
            raise Refused("There is nobody to try again: no address was refused or given up.")
        wake_count = deliver_again(db, run, "Being tried again.", targets, actor=actor, now=now)
    wakeups.wake_run(run_id, wake_count)


def check_file_is_kept(db: Session, run_id: uuid.UUID) -> None:
    """Raises Refused where the run has no file that could be sent."""
    deleted = db.scalars(sa.select(Artifact.deleted_at).where(Artifact.run_id == run_id)).all()
    if not deleted:
        raise Refused("This run has no file, so nothing of it can be sent.")
    if any(deleted):
        raise Refused("The file of this run was deleted when its time was over, so it cannot be sent again.")


def deliver_again(
    db: Session, run: Run, reason: str, targets: Sequence[str], *, actor: audit.Actor, now: datetime
) -> int:
    """A run that was over is DELIVERING once more, as if nobody had cancelled it. Returns the wake-up's number."""
    wake_count = run.wake_count + 1
    columns = {
        "finished_at": None,
        "cancel_requested_at": None,
        "cancel_requested_by": None,
        "wake_after": now,
        "wake_count": wake_count,
    }
    body = {"again": list(targets)}
    after = RunState.DELIVERING
    change_state(db, run.id, run.state, after, now=now, reason=reason, actor=actor, body=body, columns=columns)
    return wake_count
