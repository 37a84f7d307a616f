"""What a person changes in the ledger: try again, settle what is uncertain, send the stored file once more, cancel.

Every function works in the caller's transaction, which holds the lock on the run's row.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import audit
from portal.delivery.ledger import EARLIER_TRY, GIVE_UP_AFTER, LOST, change, link_expiry, new_link, new_message_id
from portal.models import (
    Artifact,
    Delivery,
    DeliveryAttempt,
    DeliveryState,
    DestinationKind,
    DownloadLink,
    UnknownPolicy,
)


def not_reached(rows: Iterable[Delivery]) -> list[Delivery]:
    """The newest row of each destination that no round has reached; `rows` come earlier rounds first."""
    rows = list(rows)
    newest = {row.destination: row for row in rows}
    reached = {row.destination for row in rows if row.state is DeliveryState.ACCEPTED or row.settled_at is not None}
    return [row for row in newest.values() if row.destination not in reached]


def reopen(
    db: Session, run_id: uuid.UUID, states: Collection[DeliveryState], *, actor: audit.Actor, now: datetime
) -> list[str]:
    """Those not reached who stand in `states` are PENDING once more; their targets. Nobody who has it gets it twice."""
    in_order = (Delivery.round, Delivery.position)
    rows = db.scalars(sa.select(Delivery).where(Delivery.run_id == run_id).order_by(*in_order).with_for_update()).all()
    again = [row for row in not_reached(rows) if row.state in states]
    for row in again:
        _pending_again(db, row, now)
        _prolong_link(db, row, now)
        _record(db, row, "delivery.retried", actor, now, {"from": row.state.value})
    return [row.target for row in again]


def resend(db: Session, row: Delivery, *, actor: audit.Actor, now: datetime) -> None:
    """An UNKNOWN one is sent once more: the same message to the byte, unless its link has run out meanwhile."""
    _pending_again(db, row, now, resent=True)
    link = _link_of(db, row)
    if link is not None and link.expires_at <= now:
        _prolong_link(db, row, now)
    _record(db, row, "delivery.resent", actor, now, {"from": row.state.value})


def confirm(db: Session, row: Delivery, *, actor: audit.Actor, now: datetime) -> None:
    """A person knows that an UNKNOWN one has arrived. The state stays: no server ever said so."""
    values = {"settled_at": now, "settled_by": actor.name}
    unknown = DeliveryState.UNKNOWN
    change(db, row.id, unknown, unknown, attempts=row.attempts, values=values)
    _record(db, row, "delivery.confirmed", actor, now, {})


def send_once_more(
    db: Session, previous: Delivery, *, new_id: uuid.UUID, number: int, actor: audit.Actor, now: datetime
) -> None:
    """The same stored file to the same person as a new message of round `number`, with a link of its own."""
    row = Delivery(
        id=new_id,
        organization_id=previous.organization_id,
        run_id=previous.run_id,
        artifact_id=previous.artifact_id,
        destination=previous.destination,
        kind=previous.kind,
        target=previous.target,
        name=previous.name,
        user_id=previous.user_id,
        round=number,
        position=previous.position,
        backup=previous.backup,
        state=DeliveryState.PENDING,
        next_attempt_at=now,
        give_up_at=now + GIVE_UP_AFTER,
        unknown_policy=UnknownPolicy.HOLD if previous.with_attachment else UnknownPolicy.RESEND,
        message_id=new_message_id(),
        with_attachment=previous.with_attachment,
        link_reason=previous.link_reason,
        notice_only=previous.notice_only,
        created_at=now,
    )
    db.add(row)
    db.flush()
    link = _link_of(db, previous)
    if link is not None:
        artifact = db.get_one(Artifact, previous.artifact_id)
        db.add(new_link(artifact, row.id, sign_in=link.sign_in_required, now=now))
    _record(db, row, "delivery.sent_again", actor, now, {"round": number})


def cancel_waiting(db: Session, run_id: uuid.UUID) -> None:
    """Nothing more is sent. Where an earlier try may have arrived, "cancelled" would not be true: it stays UNKNOWN."""
    waiting = sa.select(Delivery).where(Delivery.run_id == run_id, Delivery.state == DeliveryState.PENDING)
    for row in db.scalars(waiting).all():
        if row.resent or _left_in_a_folder(db, row):
            after, reason = DeliveryState.UNKNOWN, f"Cancelled before it was sent again. {EARLIER_TRY}"
        else:
            after, reason = DeliveryState.CANCELLED, "Cancelled before it was handed over."
        values = {"next_attempt_at": None, "reason": reason}
        change(db, row.id, DeliveryState.PENDING, after, attempts=row.attempts, values=values)


def _left_in_a_folder(db: Session, row: Delivery) -> bool:
    """Whether a lost worker may have stored the file: the next try would have looked, and now there is none."""
    lost = sa.exists().where(DeliveryAttempt.delivery_id == row.id, DeliveryAttempt.worker == LOST)
    return row.kind is DestinationKind.FOLDER and bool(db.scalar(sa.select(lost)))


def _pending_again(db: Session, row: Delivery, now: datetime, **more: object) -> None:
    """PENDING with another day and the same message."""
    values = {"next_attempt_at": now, "give_up_at": now + GIVE_UP_AFTER, "reason": "", **more}
    change(db, row.id, row.state, DeliveryState.PENDING, attempts=row.attempts, values=values)


def _prolong_link(db: Session, row: Delivery, now: datetime) -> None:
    """The mail never arrived; when it does, its link has to be good for as long as anybody's."""
    link = _link_of(db, row)
    if link is not None:
        link.expires_at = link_expiry(db.get_one(Artifact, row.artifact_id), now)


def _link_of(db: Session, row: Delivery) -> DownloadLink | None:
    return db.scalars(sa.select(DownloadLink).where(DownloadLink.delivery_id == row.id)).one_or_none()


def _record(
    db: Session, row: Delivery, action: str, actor: audit.Actor, now: datetime, body: dict[str, object]
) -> None:
    audit.record(
        db,
        organization_id=row.organization_id,
        at=now,
        actor=actor,
        action=action,
        subject=("delivery", row.id),
        body={"run": str(row.run_id), "to": row.target, **body},
    )
