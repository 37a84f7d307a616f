"""Nobody can know whether a mail arrived whose connection broke; a person may: they have it, or send it again."""

from __future__ import annotations

import uuid
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import audit
from portal.delivery import by_hand
from portal.models import Delivery, DeliveryState, Run, RunState, write_session
from portal.plumbing import wakeups
from portal.runs import settle
from portal.runs.outcome import counts, standings
from portal.runs.retry import check_file_is_kept, deliver_again
from portal.runs.states import end_of
from portal.runs.streaks import note_end
from portal.runs.transitions import Refused, change_state, locked_run


def they_have_it(organization_id: uuid.UUID, delivery_id: uuid.UUID, *, actor: audit.Actor, now: datetime) -> None:
    """The recipient counts as reached from now on; the row stays UNKNOWN, since no server ever said 250.

    A run that is over is judged anew. Saying it twice changes nothing. Raises Refused.
    """
    with write_session() as db:
        run, row = _locked(db, organization_id, delivery_id)
        if row.settled_at is not None:
            return
        by_hand.confirm(db, row, actor=actor, now=now)
        if run.state is not RunState.DELIVERING:
            _judge_anew(db, run, actor, now)


def send_it_again(organization_id: uuid.UUID, delivery_id: uuid.UUID, *, actor: audit.Actor, now: datetime) -> None:
    """The same message to the byte is tried for another day; the run is being delivered once more. Raises Refused."""
    with write_session() as db:
        run, row = _locked(db, organization_id, delivery_id)
        if row.settled_at is not None:
            raise Refused(f"{row.settled_by} said that {row.target} has it, so it is not sent again as uncertain.")
        check_file_is_kept(db, run.id)
        if run.state is RunState.DELIVERING and run.cancel_requested_at is not None:
            raise Refused("This run is being cancelled; wait until it is over.")
        by_hand.resend(db, row, actor=actor, now=now)
        if run.state is RunState.DELIVERING:
            # whoever has it in hand comes to this one by itself; else it is woken now
            run.wake_count += 1
            run.wake_after = now
            wake_count = run.wake_count
        else:
            # not everybody who reads how the run stands may know that a backup recipient was needed
            to_whom = "" if row.backup else f" to {row.target}"
            reason = f"{actor.name} asked to send it again{to_whom}."
            wake_count = deliver_again(db, run, reason, [row.target], actor=actor, now=now)
    wakeups.wake_run(run.id, wake_count)


def _locked(db: Session, organization_id: uuid.UUID, delivery_id: uuid.UUID) -> tuple[Run, Delivery]:
    """The run, then the row: in a worker's order."""
    of_this_row = sa.select(Delivery.run_id).where(
        Delivery.id == delivery_id, Delivery.organization_id == organization_id
    )
    run_id = db.scalar(of_this_row)
    if run_id is None:
        raise Refused("This recipient is no longer there.")
    run = locked_run(db, organization_id, run_id)
    row = db.get_one(Delivery, delivery_id)
    if row.state is not DeliveryState.UNKNOWN:
        raise Refused(f"Nothing is uncertain about {row.target} any more.")
    return run, row


def _judge_anew(db: Session, run: Run, actor: audit.Actor, now: datetime) -> None:
    rows = standings(db, run.id)
    reason = settle.outcome(run, rows)
    if run.state is not RunState.PARTIAL or end_of(rows) is not RunState.SUCCEEDED:
        run.reason, run.reached = reason, counts(rows)
        return
    columns = {"reached": counts(rows)}
    partial, succeeded = RunState.PARTIAL, RunState.SUCCEEDED
    change_state(db, run.id, partial, succeeded, now=now, reason=reason, actor=actor, columns=columns)
    note_end(db, run, succeeded, reason, now=now)
