"""The ledger: one row per recipient, and the few changes it may go through (LEGAL), each a conditional update.

SENDING is committed before anything is done, DATA right before the point of no return: from there on only the server's
answer tells, and without one the row is UNKNOWN. What people change stands in `by_hand`.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import make_msgid
from typing import Any, Protocol
from urllib.parse import urlsplit

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import failpoints
from portal.config import settings
from portal.leases import Lease, LeaseLost, fence
from portal.models import (
    Artifact,
    Delivery,
    DeliveryAttempt,
    DeliveryState,
    DestinationKind,
    DownloadLink,
    Run,
    UnknownPolicy,
    updated_rows,
    write_session,
)

BACK_OFF = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60))
GIVE_UP_AFTER = timedelta(hours=24)
LATELY = timedelta(hours=2)
"""Longer than the longest wait between two tries, and what the sweep may add to it."""
EARLIER_TRY = "An earlier try may have arrived."
LOST = "lost"
"""In the place of a worker's name, where it could not write down itself what its try came to."""
IN_FLIGHT = (DeliveryState.SENDING, DeliveryState.DATA)

D = DeliveryState
LEGAL: dict[DeliveryState, frozenset[DeliveryState]] = {
    # UNKNOWN: nothing more is tried, and an earlier try may have arrived
    D.PENDING: frozenset({D.SENDING, D.EXPIRED, D.CANCELLED, D.UNKNOWN}),
    # itself: a link in the place of the attachment; ACCEPTED: a folder has no DATA; UNKNOWN: as above
    D.SENDING: frozenset({D.SENDING, D.DATA, D.PENDING, D.REJECTED, D.BLOCKED, D.ACCEPTED, D.UNKNOWN}),
    D.DATA: frozenset({D.ACCEPTED, D.PENDING, D.REJECTED, D.UNKNOWN}),
    # itself: a person says that they have it
    D.UNKNOWN: frozenset({D.PENDING, D.UNKNOWN}),
    D.REJECTED: frozenset({D.PENDING}),
    D.EXPIRED: frozenset({D.PENDING}),
    D.BLOCKED: frozenset({D.PENDING}),
    D.ACCEPTED: frozenset(),
    D.CANCELLED: frozenset(),
    D.BOUNCED: frozenset(),
}


class IllegalChange(RuntimeError):  # noqa: N818  # named for what it is in the table
    """The program asked for a change that the table LEGAL does not have."""


@dataclass(frozen=True)
class InHand:
    """One delivery taken for one attempt: copied values, so that no session is open while it is on its way."""

    id: uuid.UUID
    organization_id: uuid.UUID
    run_id: uuid.UUID
    artifact_id: uuid.UUID
    kind: DestinationKind
    target: str
    name: str
    attempt: int
    message_id: str | None
    created_at: datetime


@dataclass(frozen=True)
class Result:
    """What one attempt came to: `state` is ACCEPTED, REJECTED, BLOCKED, UNKNOWN, or PENDING ("again later")."""

    state: DeliveryState
    reason: str
    smtp_code: int | None = None
    smtp_text: str | None = None
    smtp_stage: str | None = None


class ToOpen(Protocol):
    """A recipient at its place in the schedule's list, `frozen` as the run's configuration has it."""

    @property
    def position(self) -> int: ...
    @property
    def frozen(self) -> Mapping[str, Any]: ...
    @property
    def backup(self) -> bool: ...


def open_rows(
    db: Session,
    *,
    artifact: Artifact,
    recipients: Sequence[ToOpen],
    notice_only: bool,
    delivery_config: Mapping[str, Any],
    attach: bool,
    link_reason: str,
    now: datetime,
) -> None:
    """One PENDING row for each recipient of the artifact, and their own link where one is to be sent.

    `notice_only`: mails say that there is nothing to report, and lead to no file. `attach` tells whether they carry it;
    where it was asked for and is False, `link_reason` says why.
    """
    for recipient in recipients:
        destination = recipient.frozen
        kind = DestinationKind(destination["kind"])
        mail = kind is DestinationKind.EMAIL
        with_file = mail and not notice_only
        delivery = Delivery(
            id=uuid.uuid4(),
            organization_id=artifact.organization_id,
            run_id=artifact.run_id,
            artifact_id=artifact.id,
            destination=name_of(destination),
            kind=kind,
            target=destination["target"],
            name=destination["name"],
            user_id=uuid.UUID(destination["user_id"]) if destination["user_id"] else None,
            round=1,
            position=recipient.position,
            backup=recipient.backup,
            state=DeliveryState.PENDING,
            next_attempt_at=now,
            give_up_at=now + GIVE_UP_AFTER,
            # a second copy of a link mail harms nobody; a second copy of a file may
            unknown_policy=UnknownPolicy.HOLD if attach and with_file else UnknownPolicy.RESEND,
            message_id=new_message_id() if mail else None,
            with_attachment=attach and with_file,
            link_reason=link_reason if with_file else "",
            notice_only=notice_only,
            created_at=now,
        )
        db.add(delivery)
        if with_file and (delivery_config.get("link") or not attach):
            db.flush()
            sign_in = bool(delivery_config.get("sign_in_to_download"))
            db.add(new_link(artifact, delivery.id, sign_in=sign_in, now=now))


def name_of(destination: Mapping[str, Any]) -> str:
    """Under which the ledger has a destination that was frozen: "email:priya@example.org"."""
    return f"{destination['kind'].lower()}:{destination['target']}"


def new_link(artifact: Artifact, delivery_id: uuid.UUID, *, sign_in: bool, now: datetime) -> DownloadLink:
    return DownloadLink(
        id=uuid.uuid4(),
        organization_id=artifact.organization_id,
        delivery_id=delivery_id,
        artifact_id=artifact.id,
        sign_in_required=sign_in,
        created_at=now,
        expires_at=link_expiry(artifact, now),
    )


def link_expiry(artifact: Artifact, now: datetime) -> datetime:
    """After the days set, and never later than the file's own end."""
    return min(now + timedelta(days=settings().link_days), artifact.expires_at)


def new_message_id() -> str:
    return make_msgid(domain=urlsplit(settings().public_url).hostname or "localhost")


def take_one(lease: Lease, now: datetime) -> InHand | None:
    """The next delivery of the run that is due, now SENDING; None when there is none, or a person has cancelled.

    The fence locks the run's row: a cancel is either seen here, or comes after this one was taken.
    """
    with write_session() as db:
        fence(db, lease, now)
        if db.scalar(sa.select(Run.cancel_requested_at).where(Run.id == lease.run_id)) is not None:
            return None
        _expire(db, lease.run_id, now)
        row = db.scalars(
            sa.select(Delivery)
            .where(
                Delivery.run_id == lease.run_id,
                Delivery.state == DeliveryState.PENDING,
                Delivery.next_attempt_at <= now,
            )
            .order_by(Delivery.next_attempt_at, Delivery.position)
            .limit(1)
        ).one_or_none()
        if row is None:
            return None
        change(
            db,
            row.id,
            DeliveryState.PENDING,
            DeliveryState.SENDING,
            attempts=row.attempts,
            values={"attempts": row.attempts + 1, "last_attempt_at": now, "next_attempt_at": None},
        )
        return InHand(
            id=row.id,
            organization_id=row.organization_id,
            run_id=row.run_id,
            artifact_id=row.artifact_id,
            kind=row.kind,
            target=row.target,
            name=row.name,
            attempt=row.attempts + 1,
            message_id=row.message_id,
            created_at=row.created_at,
        )


def mark_data(lease: Lease, delivery: InHand, now: datetime) -> None:
    """The point of no return, committed right before DATA. Raises LeaseLost: then nothing may be sent."""
    with write_session() as db:
        fence(db, lease, now)
        change(db, delivery.id, DeliveryState.SENDING, DeliveryState.DATA, attempts=delivery.attempt)


def switch_to_link(lease: Lease, delivery: InHand, reason: str, now: datetime) -> tuple[uuid.UUID, datetime]:
    """The server takes nothing so large: from now on this mail carries a link. Returns the link and its expiry."""
    with write_session() as db:
        fence(db, lease, now)
        row = db.get_one(Delivery, delivery.id)
        change(
            db,
            row.id,
            DeliveryState.SENDING,
            DeliveryState.SENDING,
            attempts=delivery.attempt,
            values={"with_attachment": False, "link_reason": reason, "unknown_policy": UnknownPolicy.RESEND},
        )
        link = db.scalars(sa.select(DownloadLink).where(DownloadLink.delivery_id == row.id)).one_or_none()
        if link is None:
            asked = db.get_one(Run, lease.run_id).configuration["delivery"]
            sign_in = bool(asked.get("sign_in_to_download"))
            link = new_link(db.get_one(Artifact, row.artifact_id), row.id, sign_in=sign_in, now=now)
            db.add(link)
        return link.id, link.expires_at


def finish(lease: Lease, delivery: InHand, result: Result, now: datetime) -> None:
    """Write down what the attempt came to. Raises LeaseLost where the row is no longer ours to write."""
    with write_session() as db:
        fence(db, lease, now)
        row = db.get_one(Delivery, delivery.id)
        if row.state not in IN_FLIGHT or row.attempts != delivery.attempt:
            raise LeaseLost(f"delivery {delivery.id}")
        conclude(db, row, result, worker=lease.owner, now=now)
        failpoints.reach("finish-before-commit")


def conclude(db: Session, row: Delivery, result: Result, *, worker: str, now: datetime) -> None:
    """Note the attempt and move the row to what it came to, with its next attempt where there is one."""
    db.add(
        DeliveryAttempt(
            id=uuid.uuid4(),
            organization_id=row.organization_id,
            delivery_id=row.id,
            number=row.attempts,
            ended_at=now,
            state=result.state,
            smtp_code=result.smtp_code,
            smtp_text=result.smtp_text,
            smtp_stage=result.smtp_stage,
            worker=worker,
        )
    )
    values: dict[str, Any] = {
        "reason": result.reason,
        "smtp_code": result.smtp_code,
        "smtp_text": result.smtp_text,
        "smtp_stage": result.smtp_stage,
        "next_attempt_at": None,
    }
    after = result.state
    if after is DeliveryState.UNKNOWN and row.unknown_policy is UnknownPolicy.RESEND and not row.resent:
        after = DeliveryState.PENDING
        values |= {"resent": True, "next_attempt_at": now + BACK_OFF[0]}
    elif after in (DeliveryState.REJECTED, DeliveryState.BLOCKED) and row.resent:
        # "refused" is true of this try alone
        after = DeliveryState.UNKNOWN
        values["reason"] = f"{result.reason} {EARLIER_TRY}"
    elif after is DeliveryState.PENDING:
        values["next_attempt_at"] = now + BACK_OFF[min(row.attempts, len(BACK_OFF)) - 1]
    elif after is DeliveryState.ACCEPTED:
        values["accepted_at"] = now
    change(db, row.id, row.state, after, attempts=row.attempts, values=values)


def recover_in_flight(db: Session, run_id: uuid.UUID, now: datetime) -> None:
    """What a lost worker left on its way. Before DATA nothing was handed over; after it nobody can know."""
    rows = db.scalars(sa.select(Delivery).where(Delivery.run_id == run_id, Delivery.state.in_(IN_FLIGHT))).all()
    for row in rows:
        if row.state is DeliveryState.SENDING and row.kind is DestinationKind.FOLDER:
            reason = "The worker stopped while the file was being stored; the next try looks whether it is there."
            result = Result(DeliveryState.PENDING, reason)
        elif row.state is DeliveryState.SENDING:
            result = Result(DeliveryState.PENDING, "The worker stopped before anything was handed over.")
        else:
            result = Result(
                DeliveryState.UNKNOWN,
                "The worker stopped while the message was being handed over; it may have arrived.",
            )
        conclude(db, row, result, worker=LOST, now=now)


def is_begun(db: Session, delivery_id: uuid.UUID) -> bool:
    """Whether DATA was committed: from there on nobody may say that nothing was sent."""
    return db.scalar(sa.select(Delivery.state).where(Delivery.id == delivery_id)) is DeliveryState.DATA


def _expire(db: Session, run_id: uuid.UUID, now: datetime) -> None:
    """A day of temporary failures is enough. A day in which nobody tried is none: it begins anew.

    Where nobody has tried lately, and be it at its end, once more is tried first.
    """
    rows = db.scalars(
        sa.select(Delivery).where(
            Delivery.run_id == run_id, Delivery.state == DeliveryState.PENDING, Delivery.give_up_at <= now
        )
    ).all()
    for row in rows:
        if row.last_attempt_at is None or row.last_attempt_at < row.give_up_at - GIVE_UP_AFTER:
            row.give_up_at = now + GIVE_UP_AFTER
            continue
        if row.last_attempt_at is None or row.last_attempt_at < now - LATELY:
            continue
        reason = "Given up after 24 hours of temporary failures."
        after = DeliveryState.EXPIRED
        if row.resent:
            after, reason = DeliveryState.UNKNOWN, f"{reason} {EARLIER_TRY}"
        values = {"next_attempt_at": None, "reason": reason}
        change(db, row.id, DeliveryState.PENDING, after, attempts=row.attempts, values=values)


def change(
    db: Session,
    delivery_id: uuid.UUID,
    before: DeliveryState,
    after: DeliveryState,
    *,
    attempts: int,
    values: Mapping[str, Any] | None = None,
) -> None:
    """The conditional update of every change; nothing updated means that another was quicker: LeaseLost.

    Raises IllegalChange, and changes nothing, where LEGAL does not have it.
    """
    if after not in LEGAL[before]:
        raise IllegalChange(f"delivery {delivery_id}: {before} to {after}")
    statement = (
        sa.update(Delivery)
        .where(Delivery.id == delivery_id, Delivery.state == before, Delivery.attempts == attempts)
        .values(state=after, **(values or {}))
    )
    if updated_rows(db, statement) != 1:
        raise LeaseLost(f"delivery {delivery_id}")
