"""Since when a run of changes counts them: settled once, before its first row is read, and kept with the run.

The window begins where the newest run that was delivered in full left off, so it moves by delivery alone: what was
made and reached nobody, or not everybody, is in the next file again. A run that is taken up again, by whomever and
however late, has the window that it had.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from portal import clock
from portal.leases import Lease, fence
from portal.models import Run, Schedule, write_session
from portal.runs.delivered import changes_delivered_until


def settled_window(lease: Lease) -> datetime | None:
    """Changes after this instant belong to the run; None: all cases, each as new. Raises LeaseLost."""
    with write_session() as db:
        fence(db, lease, clock.now())
        run = db.execute(
            sa.select(Run.schedule_id, Run.changes_from, Run.changes_settled_at).where(Run.id == lease.run_id)
        ).one()
        if run.changes_settled_at is not None:
            since: datetime | None = run.changes_from
            return since
        # held until the end: a person who starts over is seen here, or finds this run settled before
        restart_at = db.scalar(
            sa.select(Schedule.changes_restart_at).where(Schedule.id == run.schedule_id).with_for_update()
        )
        since = changes_delivered_until(db, run.schedule_id, restart_at)
        db.execute(
            sa.update(Run)
            .where(Run.id == lease.run_id)
            .values(changes_from=since, changes_settled_at=clock.now())
            .execution_options(synchronize_session=False)
        )
    return since
