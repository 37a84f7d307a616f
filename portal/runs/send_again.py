"""The file that is stored goes once more to people that a person chooses, as a new message of the next round."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import audit
from portal.delivery import by_hand
from portal.delivery.stored_file import NotServed, StoredFile, checked_copy
from portal.extensions import db as database
from portal.models import (
    Artifact,
    Delivery,
    DeliveryState,
    Destination,
    DestinationKind,
    Run,
    Schedule,
    write_session,
)
from portal.plumbing import wakeups
from portal.runs.retry import check_file_is_kept, deliver_again
from portal.runs.states import DELIVERABLE_AGAIN
from portal.runs.transitions import Refused, locked_run


def send_again(
    organization_id: uuid.UUID,
    run_id: uuid.UUID,
    chosen: Collection[uuid.UUID],
    *,
    form_key: str,
    actor: audit.Actor,
    now: datetime,
) -> int:
    """Send the stored file to the people of these rows of the ledger, and say to how many. By mail alone: a folder
    keeps what it got, and the file of one that failed is tried again by `retry_failed`.

    `form_key` is one UUID for each form shown: the same form sent twice sends once. Raises Refused.
    """
    if not chosen:
        raise Refused("Choose at least one person to send the file to.")
    try:
        key = uuid.UUID(form_key)
    except ValueError:
        raise Refused("This page was not sent whole: open it again and choose.") from None
    _check_files(organization_id, run_id)
    with write_session() as db:
        run = locked_run(db, organization_id, run_id)
        rows = _rows(db, run_id)
        new_ids = {row.destination: uuid.uuid5(key, f"{run_id} {row.destination}") for row in rows if row.id in chosen}
        known = {row.id for row in rows}
        newest = {row.destination: row for row in rows}
        people = [newest[destination] for destination, new_id in new_ids.items() if new_id not in known]
        if new_ids and not people:
            return 0  # the same form once more
        check_file_is_kept(db, run_id)
        if not rows:
            raise Refused("This run has sent nothing to anybody, so there is nothing to send again.")
        _check(db, run, people)
        number = max(row.round for row in rows) + 1
        for row in people:
            new_id = new_ids[row.destination]
            by_hand.send_once_more(db, row, new_id=new_id, number=number, actor=actor, now=now)
        reason = f"{actor.name} asked to send the stored file again to {len(people)} of its recipients."
        wake_count = deliver_again(db, run, reason, [row.target for row in people], actor=actor, now=now)
    wakeups.wake_run(run_id, wake_count)
    return len(people)


def people_to_choose(rows: Sequence[Delivery]) -> list[Delivery]:
    """The newest row of each recipient by mail of whom all is known; `rows` come earlier rounds first."""
    newest = {row.destination: row for row in rows if row.kind is DestinationKind.EMAIL}
    return [row for row in newest.values() if not _is_uncertain(row)]


def _is_uncertain(row: Delivery) -> bool:
    return row.state is DeliveryState.UNKNOWN and row.settled_at is None


def _check_files(organization_id: uuid.UUID, run_id: uuid.UUID) -> None:
    """What is stored is what was made; read to its end before anything is promised."""
    with Session(database.engine) as db:
        of_this_run = sa.and_(Artifact.run_id == run_id, Artifact.organization_id == organization_id)
        kept = sa.select(Artifact).where(of_this_run, Artifact.deleted_at.is_(None))
        files = [StoredFile.of(artifact) for artifact in db.scalars(kept)]
    try:
        for file in files:
            checked_copy(file).close()
    except NotServed as problem:
        raise Refused(str(problem)) from problem


def _rows(db: Session, run_id: uuid.UUID) -> Sequence[Delivery]:
    in_order = (Delivery.round, Delivery.position)
    return db.scalars(sa.select(Delivery).where(Delivery.run_id == run_id).order_by(*in_order)).all()


def _check(db: Session, run: Run, people: Sequence[Delivery]) -> None:
    if run.state not in DELIVERABLE_AGAIN:
        raise Refused("This run is not over yet; wait until it is, then choose who gets the file again.")
    if not people or any(row.kind is not DestinationKind.EMAIL for row in people):
        raise Refused("Choose people of this run; a folder keeps the file that it got.")
    for row in people:
        if _is_uncertain(row):
            raise Refused(f"Nobody knows whether {row.target} has it: say so at that recipient first.")
    recipients = sa.select(Destination.target).where(Destination.schedule_id == run.schedule_id)
    still = set(db.scalars(recipients))
    backup = db.scalar(sa.select(Schedule.backup_address).where(Schedule.id == run.schedule_id))
    for row in people:
        if row.target not in ({backup} if row.backup else still):
            raise Refused(f"{row.target} is no longer a recipient of this schedule, so nothing is sent there.")
