"""The backup recipient, and who is told where not even they get what every recipient is kept from.

A run is told of as if there were no backup recipient: whoever is kept from a case could tell from it that there is one.
So its end does not wait for them either; where they could not be reached by then, the admins who may know are told.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import notices
from portal.cases.kept_from import Person
from portal.delivery import ledger
from portal.delivery.ledger import EARLIER_TRY
from portal.models import ArtifactRestriction, Delivery, DeliveryState, Run
from portal.notices import texts
from portal.plumbing.logs import log

KIND = "WITHHELD"
GIVEN_UP = "Everybody else was done by then, and it could not be handed over."
logger = log(__name__)


def tell_of_withheld(
    db: Session,
    run: Run,
    cases: Collection[uuid.UUID],
    kept_from: Mapping[str, Sequence[str]],
    *,
    now: datetime,
) -> None:
    """Nobody gets these cases: the admins who are not kept from all of them are told, once for the same cases."""
    if cases:
        schedule = run.configuration["schedule"]
        words = texts.withheld(schedule["name"], schedule["timezone"], run.planned_for, run.id)
        people = _who_may_know(db, run.organization_id, cases, kept_from)
        _post(db, run.organization_id, f"withheld:{run.schedule_id}:{_digest(cases)}", people, words, now)


def conclude(db: Session, run_id: uuid.UUID, *, now: datetime) -> None:
    """Everybody else is done: the backup recipient is not waited for, and whom they stand for hears of it."""
    statement = sa.select(Delivery).where(Delivery.run_id == run_id, Delivery.backup)
    rows = db.scalars(statement.order_by(Delivery.round)).all()
    for row in rows:
        if row.state is DeliveryState.PENDING:
            after, reason = DeliveryState.EXPIRED, GIVEN_UP
            if row.resent:
                after, reason = DeliveryState.UNKNOWN, f"{GIVEN_UP} {EARLIER_TRY}"
            values = {"next_attempt_at": None, "reason": reason}
            ledger.change(db, row.id, DeliveryState.PENDING, after, attempts=row.attempts, values=values)
            db.refresh(row)
    if rows and rows[-1].state not in {DeliveryState.ACCEPTED, DeliveryState.CANCELLED} and not rows[-1].settled_at:
        _tell_unreached(db, run_id, rows[-1], now)


def _tell_unreached(db: Session, run_id: uuid.UUID, row: Delivery, now: datetime) -> None:
    # columns: whoever settles a run holds it without its configuration
    schedule = Run.configuration["schedule"].label("schedule")
    run = db.execute(sa.select(schedule, Run.planned_for, Run.kept_from).where(Run.id == run_id)).one()
    statement = sa.select(ArtifactRestriction.case_id).where(
        ArtifactRestriction.artifact_id == row.artifact_id, ~ArtifactRestriction.withheld
    )
    people = _who_may_know(db, row.organization_id, set(db.scalars(statement)), run.kept_from or {})
    words = texts.backup_not_reached(run.schedule["name"], run.schedule["timezone"], run.planned_for, run_id)
    _post(db, row.organization_id, f"backup:{run_id}:{row.round}", people, words, now)


def _who_may_know(
    db: Session, organization_id: uuid.UUID, cases: Collection[uuid.UUID], kept_from: Mapping[str, Sequence[str]]
) -> list[notices.Recipient]:
    """Admins who are not kept from all of it; the words tell them no more than where to look."""
    ids = {str(case_id) for case_id in cases}
    admins = notices.admins(db, organization_id)
    return [(user_id, email) for user_id, email in admins if ids - set(kept_from.get(Person(email).key, ()))]


def _post(
    db: Session,
    organization_id: uuid.UUID,
    key: str,
    people: Sequence[notices.Recipient],
    words: texts.Words,
    now: datetime,
) -> None:
    if not people:
        logger.error("cases were withheld from everybody, and no admin may be told", cause=key)
    notices.post(
        db,
        organization_id=organization_id,
        key=key,
        kind=KIND,
        to=people,
        subject=words.subject,
        text=words.text,
        now=now,
    )


def _digest(cases: Collection[uuid.UUID]) -> str:
    return hashlib.sha256(" ".join(sorted(map(str, cases))).encode()).hexdigest()[:32]
