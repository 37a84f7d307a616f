"""A worker that was asked to end gives its run back: another takes it up at once, and no try is counted."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import failpoints
from portal.leases import Lease, fence
from portal.models import Run, RunState, write_session
from portal.plumbing import wakeups
from portal.runs.transitions import change_state


def hand_back(lease: Lease, now: datetime) -> None:
    """RUNNING is QUEUED again; DELIVERING is in nobody's hands. Either way it is woken. Raises LeaseLost."""
    with write_session() as db:
        fence(db, lease, now)
        run = db.execute(sa.select(Run.state, Run.wake_count).where(Run.id == lease.run_id)).one()
        wake_count = run.wake_count + 1
        columns = {"lease_owner": None, "lease_until": None, "wake_after": now, "wake_count": wake_count}
        if run.state is RunState.DELIVERING:
            _release(db, lease, columns)
        else:
            reason = "The worker was stopped; it is made by another."
            change_state(db, lease.run_id, RunState.RUNNING, RunState.QUEUED, now=now, reason=reason, columns=columns)
        failpoints.reach("hand-back-before-commit")
    failpoints.reach("hand-back-after-commit")
    wakeups.wake_run(lease.run_id, wake_count)


def _release(db: Session, lease: Lease, columns: dict[str, object]) -> None:
    """The fence holds the row: nobody else can have changed it."""
    db.execute(
        sa.update(Run).where(Run.id == lease.run_id).values(columns).execution_options(synchronize_session=False)
    )
